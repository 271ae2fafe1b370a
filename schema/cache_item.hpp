#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include "schema/message.hpp"

namespace tandem {

/// Names an answer: the SHA-256 of all that the answer depends on (actors/cache/cache_key.hpp).
struct cache_key {
  std::array<std::uint8_t, 32> bytes{};
  friend auto operator<=>(const cache_key&, const cache_key&) = default;
};

/// The first 8 bytes; as good as any hash, since the key is one.
[[nodiscard]] inline std::uint64_t hash_of(const cache_key& key) noexcept {
  std::uint64_t hash = 0;
  std::memcpy(&hash, key.bytes.data(), sizeof hash);
  return hash;
}

/// 64 hexadecimal digits in lower case.
[[nodiscard]] inline std::string to_string(const cache_key& key) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * key.bytes.size());
  for (auto byte : key.bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 0xF]);
  }
  return text;
}

/// An answer as caches hold it, at any level. Times are Unix milliseconds.
struct cache_item {
  message_words value;
  std::uint64_t created_ms = 0;
  /// From then on it counts as gone.
  std::uint64_t expires_ms = 0;
  /// What it took to compute.
  std::uint32_t compute_us = 0;
};

/// How far ahead of this node's clock a creation may lie.
inline constexpr std::uint64_t clock_slack_ms = 60'000;

/// Whether it may still be served. One that was made in the future is as good as expired: a clock
/// has jumped back, and nobody knows how old it is.
[[nodiscard]] inline bool is_fresh(const cache_item& item, std::uint64_t now_ms) noexcept {
  return now_ms < item.expires_ms && item.created_ms <= now_ms + clock_slack_ms;
}

/// What a purge is told by, of an answer.
struct cache_facts {
  std::string tenant;
  std::string model;
  std::string weight_version;
};

/// Answers that match and were created at or before `at_ms` count as gone. Empty: any.
struct purge_rule {
  std::string tier;
  std::string tenant;
  std::string model;
  std::string weight_version;
  std::uint64_t at_ms = 0;
  friend bool operator==(const purge_rule&, const purge_rule&) = default;
};

}  // namespace tandem

template <>
struct std::hash<tandem::cache_key> {
  std::size_t operator()(const tandem::cache_key& key) const noexcept {
    return tandem::hash_of(key);
  }
};
