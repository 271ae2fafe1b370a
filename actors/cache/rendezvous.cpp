#include "actors/cache/rendezvous.hpp"

#include <utility>

namespace tandem {

namespace {

/// Every bit of the result depends on every bit of `x`. Source: Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", OOPSLA 2014.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

std::uint64_t weight_of(std::uint64_t key_hash, const shard_id& shard) {
  return mix(key_hash ^ mix(shard.node ^ mix(shard.shard)));
}

}  // namespace

std::optional<shard_id> owner(const cache_key& key, std::span<const shard_id> shards) {
  const auto hash = hash_of(key);
  std::optional<std::pair<std::uint64_t, shard_id>> best;
  for (const auto& shard : shards)
    if (const std::pair one{weight_of(hash, shard), shard}; !best || *best < one) best = one;
  if (!best) return std::nullopt;
  return best->second;
}

}  // namespace tandem
