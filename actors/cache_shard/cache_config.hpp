#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// What is kept of the answers of one tier's models: `[cache.TIER]`.
struct cache_tier_config {
  std::string tier;
  /// The tier's own budget of memory on this node: the shards' entries, the pool's, and the index
  /// of near plans.
  std::size_t memory_bytes = std::size_t{64} << 20;
  /// Of that: the shards' entries, with index and overhead. A quarter of the rest is the pool's.
  double mem_fraction = 0.5;
  /// `semantic_lru` (least recently used leaves first; near goals share plans) or `frequency_lru`
  /// (S3-FIFO).
  std::string policy = "frequency_lru";
  std::chrono::milliseconds ttl{std::chrono::minutes{30}};
  /// In the data folder, all shards together; 0: none.
  std::size_t disk_bytes = std::size_t{1} << 30;
};

/// `[cache]`
struct cache_config {
  /// Actors that keep entries, each with a thread of its own; 0: this node keeps none, and asks
  /// those of others.
  std::uint32_t shards = 1;
  /// A larger answer is not kept. At most what one message may carry.
  std::size_t value_bytes_max = std::size_t{128} << 10;
  /// How early hot entries are computed anew before they expire; 0: never. 1: as in Vattani et al.
  double refresh_beta = 1;
  /// Calls at a temperature above 0 are looked up and kept too, by their seed.
  bool sampled = false;
  /// Askers that wait at one shard for computations of others; beyond it they compute themselves.
  std::uint32_t waiting_max = 100'000;
  /// Near plans: what share of those that are served may be wrong, and how many are remembered a
  /// shard. 0 plans: only equal goals share a plan.
  double max_error = 0.01;
  std::uint32_t plans_max = 20'000;
  /// Goals are compared by the vectors of [embeddings]' server, where it answers in time.
  bool embeddings = false;
  /// The tier whose model puts a near plan into the words of the new goal; empty, or the tier that
  /// planned it: it is used as it is.
  std::string adapt = "small";
  /// Prompt tokens that are replayed on an engine which begins with an empty prefix cache; 0: none.
  std::uint64_t warm_up_tokens = 100'000;
  std::vector<cache_tier_config> tiers;

  [[nodiscard]] const cache_tier_config* find_tier(std::string_view name) const {
    for (const auto& each : tiers)
      if (each.tier == name) return &each;
    return nullptr;
  }
};

/// Entries of the tier on one shard.
[[nodiscard]] inline std::size_t shard_bytes(const cache_tier_config& tier, std::uint32_t shards) {
  return static_cast<std::size_t>(static_cast<double>(tier.memory_bytes) * tier.mem_fraction) /
         (shards == 0 ? 1 : shards);
}
/// Goals of near plans on one shard: half of what is left.
[[nodiscard]] inline std::size_t near_bytes(const cache_tier_config& tier, std::uint32_t shards) {
  return static_cast<std::size_t>(static_cast<double>(tier.memory_bytes) * (1 - tier.mem_fraction) /
                                  2) /
         (shards == 0 ? 1 : shards);
}
/// Entries of the tier in the pool.
[[nodiscard]] inline std::size_t pool_bytes(const cache_tier_config& tier) {
  return static_cast<std::size_t>(static_cast<double>(tier.memory_bytes) * (1 - tier.mem_fraction) /
                                  4);
}

}  // namespace tandem
