#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <malloc.h>

#include "actors/router/engines/prefix_index.hpp"
#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {
namespace {

using chain = std::vector<std::uint64_t>;

/// Blocks `path` of a tree of prompts: equal beginnings are equal blocks.
chain chain_of(const std::vector<std::uint64_t>& path) {
  chain out;
  std::uint64_t before = 1;
  for (auto id : path) out.push_back(before = spread_bits(before * 1'000 + id));
  return out;
}

chain long_chain(std::uint64_t name, std::size_t blocks) {
  std::vector<std::uint64_t> path(blocks);
  for (std::size_t i = 0; i < blocks; ++i) path[i] = name;
  return chain_of(path);
}

std::map<int, int> matches(prefix_index& index, const chain& of) {
  std::map<int, int> found;
  for (auto [engine, blocks] : index.find(of)) {
    EXPECT_FALSE(found.contains(engine)) << "twice";
    found[engine] = static_cast<int>(blocks);
  }
  return found;
}

using found = std::map<int, int>;

TEST(prefix_index, FindsHowFarEachEngineHasAPrompt) {
  prefix_index index{{.bytes_max = 1 << 20, .engines_max = 100}};
  index.learn(3, chain_of({1, 2, 3, 4}));
  index.learn(7, chain_of({1, 2, 9}));
  EXPECT_EQ(matches(index, chain_of({1, 2, 3, 4, 5})), (found{{3, 4}, {7, 2}}));
  EXPECT_EQ(matches(index, chain_of({1, 2, 9})), (found{{3, 2}, {7, 3}}));
  EXPECT_EQ(matches(index, chain_of({2, 3})), found{}) << "the same block after another beginning";
  EXPECT_EQ(matches(index, {}), found{});
}

TEST(prefix_index, ManyEnginesHaveTheSameBeginning) {
  prefix_index index{{.bytes_max = 8 << 20, .engines_max = 1'000}};
  found expected;
  for (int e = 0; e < 1'000; ++e) {
    std::vector<std::uint64_t> path{1, 2};
    if (e % 2 == 0) path.push_back(3);
    if (e % 100 == 0) path.insert(path.end(), {4, 5});
    index.learn(static_cast<engine_slot>(e), chain_of(path));
    expected[e] = e % 100 == 0 ? 5 : e % 2 == 0 ? 3 : 2;
  }
  EXPECT_EQ(matches(index, chain_of({1, 2, 3, 4, 5, 6})), expected);
  for (int e = 20; e < 1'000; ++e) {
    index.forget(static_cast<engine_slot>(e));
    expected.erase(e);
  }
  EXPECT_EQ(matches(index, chain_of({1, 2, 3, 4, 5, 6})), expected);
  EXPECT_EQ(index.blocks(), 5u);
}

TEST(prefix_index, AnEngineKeepsWhatItUsedLastWithinItsCapacity) {
  prefix_index index{{.bytes_max = 1 << 20, .engines_max = 4}};
  index.set_capacity(0, 5);
  index.learn(0, chain_of({1, 2, 3}));
  index.learn(0, chain_of({1, 8, 9}));
  EXPECT_EQ(index.blocks_of(0), 5u);
  index.learn(0, chain_of({1, 7}));
  EXPECT_EQ(matches(index, chain_of({1, 2, 3})), (found{{0, 2}})) << "leaves go before beginnings";
  index.learn(0, long_chain(5, 20));
  EXPECT_EQ(matches(index, long_chain(5, 20)), (found{{0, 5}}));
  EXPECT_EQ(matches(index, chain_of({1})), found{});
  index.set_capacity(0, 2);
  EXPECT_EQ(index.blocks_of(0), 2u);
}

/// The same in the plainest way: a list and a set for each engine.
struct plain_cache {
  std::list<std::uint64_t> order;
  std::size_t capacity = 0;

  void learn(const chain& of) {
    for (auto i = std::min(of.size(), capacity); i-- > 0;) {
      order.remove(of[i]);
      order.push_back(of[i]);
    }
    while (order.size() > capacity) order.pop_front();
  }
  [[nodiscard]] int match(const chain& of) const {
    int count = 0;
    for (auto block : of) {
      if (std::find(order.begin(), order.end(), block) == order.end()) break;
      ++count;
    }
    return count;
  }
};

TEST(prefix_index, FindsWhatPlainCachesWouldHaveUnderRandomUse) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    std::mt19937 random{seed};
    constexpr int engines = 70;
    prefix_index index{{.bytes_max = 2 << 20, .engines_max = engines}};
    std::vector<plain_cache> plain(engines);
    for (int e = 0; e < engines; ++e) {
      plain[static_cast<std::size_t>(e)].capacity = 10 + random() % 60;
      index.set_capacity(static_cast<engine_slot>(e),
                         static_cast<std::uint32_t>(plain[static_cast<std::size_t>(e)].capacity));
    }
    for (int step = 0; step < 1'500; ++step) {
      std::vector<std::uint64_t> path;
      for (auto left = 1 + random() % 20; left != 0; --left) path.push_back(random() % 3 == 0);
      auto of = chain_of(path);
      auto e = random() % engines;
      if (random() % 200 == 0) {
        index.forget(static_cast<engine_slot>(e));
        index.set_capacity(static_cast<engine_slot>(e),
                           static_cast<std::uint32_t>(plain[e].capacity));
        plain[e].order.clear();
      }
      found expected;
      for (int i = 0; i < engines; ++i)
        if (auto n = plain[static_cast<std::size_t>(i)].match(of); n != 0) expected[i] = n;
      ASSERT_EQ(matches(index, of), expected) << "seed " << seed << ", step " << step;
      index.learn(static_cast<engine_slot>(e), of);
      plain[e].learn(of);
      ASSERT_EQ(index.blocks_of(static_cast<engine_slot>(e)), plain[e].order.size());
    }
  }
}

std::size_t allocated() {
  auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(prefix_index, NeverTakesMoreMemoryThanItsCap) {
  for (std::size_t cap : {std::size_t{0}, std::size_t{1} << 21, std::size_t{20} << 20}) {
    constexpr std::uint32_t engines = 300;
    auto most = std::max(cap, prefix_index::bytes_min(engines));
    auto before = allocated();
    prefix_index index{{.bytes_max = cap, .engines_max = engines}};
    std::mt19937 random{1};
    for (int i = 0; i < 3'000; ++i)
      index.learn(static_cast<engine_slot>(random() % engines), long_chain(random() % 500, 100));
    EXPECT_LE(allocated() - before, most);
    EXPECT_LE(index.bytes() + sizeof index, most);
    EXPECT_LE(index.pairs(), index.pairs_max());
    auto working = allocated();
    for (int i = 0; i < 1'000; ++i) static_cast<void>(index.find(long_chain(random() % 500, 100)));
    EXPECT_EQ(allocated(), working) << "looking takes none";
  }
}

TEST(prefix_index, WhereItIsFullWhatWasNotUsedForLongestLeaves) {
  prefix_index index{{.bytes_max = 0, .engines_max = 4}};
  auto hot = long_chain(1'000, 50);
  index.learn(0, hot);
  std::uint64_t name = 0;
  for (; index.crowded_out() < 3 * index.pairs_max(); ++name) {
    index.learn(static_cast<engine_slot>(name % 3 + 1), long_chain(name, 50));
    if (name % 20 == 0) index.learn(0, hot);
  }
  EXPECT_GE(index.pairs(), index.pairs_max() - 50);
  EXPECT_EQ(matches(index, hot), (found{{0, 50}})) << "it is used all the time";
  EXPECT_EQ(matches(index, long_chain(0, 50)), found{});
  EXPECT_EQ(matches(index, long_chain(name - 1, 50)).size(), 1u);
}

TEST(prefix_index, AChainLongerThanAnyIsCut) {
  prefix_index index{{.bytes_max = 0, .engines_max = 2}};
  auto endless = long_chain(1, 3 * prompt_hasher::blocks_max);
  index.learn(0, endless);
  EXPECT_EQ(matches(index, endless), (found{{0, prompt_hasher::blocks_max}}));
}

TEST(prefix_index, WhatAnEngineDidNotHaveIsForgottenWithAllThatIsOlder) {
  prefix_index index{{.bytes_max = 1 << 20, .engines_max = 2}};
  index.learn(0, chain_of({1, 2}));
  index.learn(0, chain_of({3, 4}));
  index.learn(0, chain_of({5, 6}));
  auto then = index.learn(0, chain_of({3, 4, 7}));
  // It says that it had nothing of it: it computed all, so that is there now.
  index.forget_until(0, then);
  EXPECT_EQ(matches(index, chain_of({1, 2})), found{});
  EXPECT_EQ(matches(index, chain_of({3, 4, 7})), (found{{0, 3}}));
  EXPECT_EQ(matches(index, chain_of({5, 6})), (found{{0, 2}}));
}

}  // namespace
}  // namespace tandem
