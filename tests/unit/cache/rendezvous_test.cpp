#include "actors/cache/rendezvous.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cache/cache_testing.hpp"

namespace tandem {
namespace {

using test::key_of;

constexpr std::uint64_t keys = 40'000;

std::vector<shard_id> cluster(std::uint64_t nodes, std::uint32_t shards_each) {
  std::vector<shard_id> all;
  for (std::uint64_t node = 1; node <= nodes; ++node)
    for (std::uint32_t shard = 0; shard < shards_each; ++shard) all.push_back({node, shard});
  return all;
}

TEST(Rendezvous, NobodyOwnsAKeyWithoutShards) {
  EXPECT_EQ(owner(key_of(1), {}), std::nullopt);
}

TEST(Rendezvous, EveryShardGetsTheSameShareInWhateverOrderTheyAreGiven) {
  auto shards = cluster(5, 4);
  auto reversed = shards;
  std::reverse(reversed.begin(), reversed.end());
  std::map<shard_id, std::uint64_t> count;
  for (std::uint64_t n = 0; n < keys; ++n) {
    ASSERT_EQ(owner(key_of(n), shards), owner(key_of(n), reversed));
    ++count[*owner(key_of(n), shards)];
  }
  for (const auto& shard : shards) {
    EXPECT_GT(count[shard], keys / 20 * 85 / 100);
    EXPECT_LT(count[shard], keys / 20 * 115 / 100);
  }
}

TEST(Rendezvous, ANodeThatJoinsTakesItsShareAndMovesNothingElse) {
  const auto before = cluster(4, 2);
  const auto after = cluster(5, 2);
  std::uint64_t moved = 0;
  for (std::uint64_t n = 0; n < keys; ++n) {
    const auto was = owner(key_of(n), before), is = owner(key_of(n), after);
    if (was == is) continue;
    ++moved;
    ASSERT_EQ(is->node, 5u);
  }
  EXPECT_GT(moved, keys / 5 * 9 / 10);
  EXPECT_LT(moved, keys / 5 * 11 / 10);
}

TEST(Rendezvous, ANodeThatGoesLeavesOnlyItsOwnKeysToAllOthers) {
  const auto before = cluster(5, 2);
  auto after = before;
  std::erase_if(after, [](const shard_id& shard) { return shard.node == 3; });
  std::map<std::uint64_t, std::uint64_t> heirs;
  for (std::uint64_t n = 0; n < keys; ++n) {
    const auto was = owner(key_of(n), before), is = owner(key_of(n), after);
    if (was->node == 3) {
      ++heirs[is->node];
    } else {
      ASSERT_EQ(was, is);
    }
  }
  ASSERT_EQ(heirs.size(), 4u);
  for (const auto& [node, count] : heirs) EXPECT_GT(count, keys / 20 * 8 / 10) << node;
}

}  // namespace
}  // namespace tandem
