#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/cache_item.hpp"
#include "storage/cache_store.hpp"

namespace tandem::storage {

/// The longest name of a tenant, a model, a weight version.
inline constexpr std::size_t cache_name_bytes_max = 1024;

/// What a cached answer's sealed record holds: created u64, expires u64, compute_us u32, three
/// lengths u16, tenant, model, weight version, and the words; numbers are big-endian.
/// Precondition: names of at most cache_name_bytes_max.
[[nodiscard]] std::string cache_content(const stored_item& of);

/// Without a copy: names and words lie in `content`.
struct cache_content_view {
  std::uint64_t created_ms = 0;
  std::uint64_t expires_ms = 0;
  std::uint32_t compute_us = 0;
  std::string_view tenant, model, weight_version;
  std::string_view words;
};
/// Nothing: too short, lengths that do not fit, no whole words.
[[nodiscard]] std::optional<cache_content_view> read_cache_content(std::string_view content);

/// Copies bytes into words; nothing when they are not what `schema` says (any, without one).
[[nodiscard]] std::optional<message_words> words_from(
    std::string_view bytes, const std::optional<capnp::StructSchema>& schema);

[[nodiscard]] std::string hot_content(std::span<const cache_key> keys);
/// What is there of whole keys.
[[nodiscard]] std::vector<cache_key> read_hot_content(std::string_view content);

[[nodiscard]] std::string purge_content(std::span<const purge_rule> rules);
/// Nothing: lengths that do not fit.
[[nodiscard]] std::optional<std::vector<purge_rule>> read_purge_content(std::string_view content);

}  // namespace tandem::storage
