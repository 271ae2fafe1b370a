#include "actors/cache/cache_memory.hpp"

#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_testing.hpp"

namespace tandem {
namespace {

using test::item_of;
using test::key_of;
using test::mark_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CacheMemory : public testing::TestWithParam<cache_policy> {
 protected:
  static constexpr std::size_t room = 1u << 20;
  [[nodiscard]] static std::unique_ptr<cache_memory> make(std::size_t bytes_max = room) {
    return make_cache_memory(GetParam(), bytes_max);
  }
};

TEST_P(CacheMemory, GivesBackWhatWasPut) {
  const auto cache = make();
  EXPECT_EQ(cache->find(key_of(1), 0), nullptr);
  EXPECT_TRUE(cache->put(key_of(1), item_of(64, 11)));
  EXPECT_TRUE(cache->put(key_of(2), item_of(64, 22)));
  EXPECT_TRUE(cache->put(key_of(1), item_of(128, 33)));
  ASSERT_NE(cache->find(key_of(1), 0), nullptr);
  EXPECT_EQ(mark_of(*cache->find(key_of(1), 0)), 33u);
  EXPECT_EQ(mark_of(*cache->find(key_of(2), 0)), 22u);
  EXPECT_EQ(cache->size(), 2u);
  EXPECT_TRUE(cache->erase(key_of(1)));
  EXPECT_FALSE(cache->erase(key_of(1)));
  EXPECT_FALSE(cache->take(key_of(1)));
  EXPECT_EQ(cache->find(key_of(1), 0), nullptr);
  EXPECT_EQ(cache->counts().hits, 3u);
  EXPECT_EQ(cache->counts().misses, 2u);
}

TEST_P(CacheMemory, DropsWhatHasExpiredAndWhatComesFromTheFuture) {
  const auto cache = make();
  cache->put(key_of(1), item_of(64, 1, 1000, 2000));
  EXPECT_NE(cache->find(key_of(1), 1999), nullptr);
  EXPECT_EQ(cache->find(key_of(1), 2000), nullptr);
  EXPECT_EQ(cache->size(), 0u);
  // The clock has jumped back by more than a minute.
  cache->put(key_of(2), item_of(64, 1, 1'000'000));
  EXPECT_NE(cache->find(key_of(2), 1'000'000 - clock_slack_ms), nullptr);
  EXPECT_EQ(cache->find(key_of(2), 1'000'000 - clock_slack_ms - 1), nullptr);
  EXPECT_EQ(cache->find(key_of(2), 1'000'000), nullptr) << "it is gone for good";
  EXPECT_EQ(cache->counts().expired, 2u);
}

TEST_P(CacheMemory, NeverTakesMoreThanItsBytes) {
  const auto cache = make();
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    const auto size = 8 + random() % 4096 / 8 * 8;
    EXPECT_TRUE(cache->put(key_of(random() % 20'000), item_of(size)));
    ASSERT_LE(cache->bytes(), room);
    if (random() % 4 == 0) cache->erase(key_of(random() % 20'000));
    (void)cache->find(key_of(random() % 1000), 0);
  }
  EXPECT_GT(cache->bytes(), room / 10 * 9);
  EXPECT_GT(cache->counts().evicted, 1000u);
}

TEST_P(CacheMemory, HoldsNothingButTheLastValueOfAKey) {
  const auto cache = make(256u << 10);
  std::map<std::uint64_t, std::uint64_t> last;
  std::mt19937_64 random(2);
  std::uint64_t found = 0;
  for (std::uint64_t i = 1; i < 200'000; ++i) {
    const auto n = random() % 700;
    switch (random() % 8) {
      case 0:
        cache->erase(key_of(n));
        last.erase(n);
        break;
      case 1:
      case 2:
        cache->put(key_of(n), item_of(8 + random() % 100 * 8, i));
        last[n] = i;
        break;
      default:
        if (const auto* item = cache->find(key_of(n), 0)) {
          ++found;
          ASSERT_TRUE(last.count(n));
          ASSERT_EQ(mark_of(*item), last[n]);
        }
    }
    ASSERT_LE(cache->size(), 700u);
  }
  EXPECT_GT(found, 10'000u);
}

TEST_P(CacheMemory, RefusesWhatIsTooLargeAndForgetsWhatItReplaces) {
  const auto cache = make();
  cache->put(key_of(1), item_of(64));
  EXPECT_FALSE(cache->put(key_of(1), item_of(item_bytes_max(room))));
  EXPECT_EQ(cache->find(key_of(1), 0), nullptr) << "an old answer is not served for a new one";
  EXPECT_FALSE(cache->put(key_of(2), {}));
  EXPECT_EQ(cache->counts().refused, 2u);
  EXPECT_TRUE(cache->put(key_of(1), item_of(item_bytes_max(room) - 8192)));
}

TEST_P(CacheMemory, TheSmallestCacheStillWorks) {
  const auto cache = make(1);
  EXPECT_EQ(cache->bytes_max(), cache_bytes_min);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(cache->put(key_of(i), item_of(i % 7000 / 8 * 8 + 8, i)));
    ASSERT_NE(cache->find(key_of(i), 0), nullptr);
    ASSERT_LE(cache->bytes(), cache_bytes_min);
  }
}

TEST_P(CacheMemory, ManySmallItemsThenFewLargeOnesThenManyAgain) {
  const auto cache = make();
  const auto fill = [&](std::size_t size, std::uint64_t from) {
    for (auto i = from; i < from + 20'000; ++i) cache->put(key_of(i), item_of(size));
    return cache->size();
  };
  const auto small = fill(8, 0);
  const auto large = fill(16'384, 100'000);
  EXPECT_GT(large, 45u) << "what the many took is given back";
  EXPECT_GT(fill(8, 200'000), small * 9 / 10);
}

TEST_P(CacheMemory, ASweepSeesEverythingThatStays) {
  const auto cache = make(4u << 20);
  for (std::uint64_t i = 0; i < 2000; ++i) cache->put(key_of(i), item_of(64, i));
  cache_sweep sweep;
  std::uint64_t next = 2000;
  std::mt19937_64 random(3);
  int calls = 0;
  while (!sweep.done()) {
    cache->erase_if(
        sweep, [](const auto&, const auto& item) { return mark_of(item) % 2 == 0; }, 100);
    ++calls;
    // In between others come and go, with odd marks.
    for (int i = 0; i < 20; ++i) cache->put(key_of(next), item_of(64, next * 2 + 1)), ++next;
    for (int i = 0; i < 20; ++i) cache->erase(key_of(random() % next));
  }
  EXPECT_GE(calls, 20);
  for (std::uint64_t i = 0; i < 2000; i += 2) ASSERT_EQ(cache->find(key_of(i), 0), nullptr) << i;
  EXPECT_GT(sweep.erased, 700u);
  EXPECT_GT(cache->size(), 700u);
  EXPECT_EQ(cache->counts().evicted, 0u);
}

TEST_P(CacheMemory, NamesTheHottestFirst) {
  const auto cache = make();
  for (std::uint64_t i = 0; i < 500; ++i) cache->put(key_of(i), item_of(64));
  for (int use = 0; use < 3; ++use) (void)cache->find(key_of(42), 0);
  EXPECT_THAT(cache->hottest(1), ElementsAre(key_of(42)));
  const auto all = cache->hottest(1000);
  EXPECT_EQ(std::set<cache_key>(all.begin(), all.end()).size(), 500u);
  EXPECT_THAT(cache->hottest(10), SizeIs(10));
  EXPECT_THAT(cache->hottest(0), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Policies, CacheMemory,
                         testing::Values(cache_policy::frequency_lru, cache_policy::semantic_lru),
                         [](const auto& one) {
                           return one.param == cache_policy::frequency_lru ? "frequency"
                                                                           : "recency";
                         });

TEST(CachePolicy, IsNamedAsInTheConfig) {
  EXPECT_EQ(parse_cache_policy("frequency_lru"), cache_policy::frequency_lru);
  EXPECT_EQ(parse_cache_policy("semantic_lru"), cache_policy::semantic_lru);
  EXPECT_EQ(parse_cache_policy("lru"), std::nullopt);
}

}  // namespace
}  // namespace tandem
