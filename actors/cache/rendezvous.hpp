#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>

#include "schema/cache_item.hpp"

namespace tandem {

/// A cache shard's name: the same for all nodes, and after a restart.
struct shard_id {
  /// The node's stable number.
  std::uint64_t node = 0;
  std::uint32_t shard = 0;
  friend auto operator<=>(const shard_id&, const shard_id&) = default;
};

/// Who holds `key` among `shards`, in any order; nothing when there is none. Every shard gets the
/// same share; one that joins takes its share and moves nothing else, one that goes leaves only its
/// own keys to the others. Source: Thaler, Ravishankar: "Using name-based mappings to increase hit
/// rates", IEEE/ACM Transactions on Networking 1998 (highest random weight).
[[nodiscard]] std::optional<shard_id> owner(const cache_key& key, std::span<const shard_id> shards);

}  // namespace tandem
