// The model of a prefix cache does what one that is written down plainly does.

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "actors/engine/sim/prefix_cache.hpp"

namespace tandem::test {
namespace {

/// A list of blocks, the latest first.
class plain_cache {
 public:
  explicit plain_cache(std::size_t blocks_max) : blocks_max_{blocks_max} {}

  std::uint64_t hits(const std::vector<std::uint64_t>& blocks) {
    std::size_t hits = 0;
    while (hits < blocks.size() && holds(blocks[hits])) ++hits;
    for (auto i = hits; i-- > 0;) use(blocks[i]);
    return hits;
  }
  void insert(const std::vector<std::uint64_t>& blocks) {
    for (auto i = std::min(blocks.size(), blocks_max_); i-- > 0;) {
      use(blocks[i]);
      if (order_.size() > blocks_max_) order_.pop_back();
    }
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  void clear() { order_.clear(); }

 private:
  [[nodiscard]] bool holds(std::uint64_t block) const {
    return std::find(order_.begin(), order_.end(), block) != order_.end();
  }
  void use(std::uint64_t block) {
    std::erase(order_, block);
    order_.insert(order_.begin(), block);
  }

  std::size_t blocks_max_;
  std::vector<std::uint64_t> order_;
};

TEST(PrefixCache, HoldsWhatAPlainListHolds) {
  for (std::uint32_t blocks_max : {1u, 2u, 7u, 40u}) {
    prefix_cache cache{blocks_max, 1};
    plain_cache plain{blocks_max};
    std::mt19937 random{blocks_max};
    for (int i = 0; i < 20'000; ++i) {
      // Prompts of one family begin alike.
      std::vector<std::uint64_t> blocks;
      auto family = random() % 6;
      auto common = random() % 6;
      auto length = random() % 12;
      for (std::uint64_t at = 0; at < length; ++at)
        blocks.push_back(at < common ? family << 40 | at : std::uint64_t{random() % 50} << 8 | at);
      if (random() % 2 == 0) {
        ASSERT_EQ(cache.hit_tokens(blocks), plain.hits(blocks)) << blocks_max << ' ' << i;
      } else {
        cache.insert(blocks);
        plain.insert(blocks);
      }
      ASSERT_FLOAT_EQ(cache.usage(),
                      static_cast<float>(plain.size()) / static_cast<float>(blocks_max));
      if (i % 5'000 == 4'999) {
        cache.clear();
        plain.clear();
      }
    }
  }
}

TEST(PrefixCache, OfNoBlocksHoldsNothing) {
  prefix_cache cache{0, 16};
  cache.insert({1, 2, 3});
  EXPECT_EQ(cache.hit_tokens({1, 2, 3}), 0u);
  EXPECT_EQ(cache.usage(), -1);
  EXPECT_TRUE(cache.blocks_of({{schema::Role::USER, std::string(1'000, 'x')}}).empty());
}

}  // namespace
}  // namespace tandem::test
