#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "actors/cache/cache_key.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What an entry is made from. Texts are literals, std::strings or whole texts of messages.
struct entry_facts {
  cache_key key;
  std::uint64_t variant = 0;
  std::string_view tier;
  std::string_view tenant;
  std::string_view model;
  std::string_view weight_version;
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::uint64_t created_ms = 0;
  std::uint64_t expires_ms = 0;
  /// Of the query that led to it; 0: none.
  std::uint64_t lead = 0;
  std::uint64_t asker = 0;
  /// Of a plan: the goal; empty: only equal goals get it.
  std::string_view goal;
  std::uint64_t place = 0;
  /// Of the goal, by a server; empty: none.
  std::span<const float> embedding{};
};

/// A good reply without what was only this attempt's: fence, decision, queueing.
[[nodiscard]] tmsg::cachent make_entry(const entry_facts& facts,
                                       schema::AttemptResult::Reader result);

/// Why the entry must not be served for this key and scope; empty: it may be. Looks at its
/// checksum, key, and all of its scope, whatever way it has come.
[[nodiscard]] std::string problem_of(schema::CacheEntry::Reader entry, const cache_key& key,
                                     schema::CacheScope::Reader scope);

/// What an entry's `crc` must be.
[[nodiscard]] std::uint32_t checksum(schema::CacheEntry::Reader entry);

[[nodiscard]] cache_key read_key(capnp::Data::Reader bytes);
[[nodiscard]] capnp::Data::Reader as_data(const cache_key& key);

}  // namespace tandem
