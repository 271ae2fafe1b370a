#include "actors/front/key_owner.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace tandem::testing {
namespace {

std::vector<journal_birth> some(unsigned count) {
  std::vector<journal_birth> all;
  for (std::uint64_t i = 1; i <= count; ++i) all.push_back({.birth_ms = i, .journal = i * 7919});
  return all;
}

TEST(KeyOwner, IsTheSameInEveryRelease) {
  EXPECT_EQ(key_hash("acme", "order-17"), key_hash("acme", "order-17"));
  EXPECT_NE(key_hash("acme", "order-17"), key_hash("acmeo", "rder-17"));
  EXPECT_NE(key_hash("", "a"), key_hash("a", ""));
  EXPECT_EQ(key_hash("acme", "order-17"), 4242614702605559282u);
  EXPECT_EQ(key_owner(key_hash("acme", "order-17"), some(10)), 15838u);
}

TEST(KeyOwner, DoesNotDependOnTheOrderInWhichJournalsAreKnown) {
  std::mt19937_64 random{1};
  auto journals = some(20);
  for (std::uint64_t key = 0; key < 200; ++key) {
    auto owner = key_owner(key * key, journals);
    std::shuffle(journals.begin(), journals.end(), random);
    EXPECT_EQ(key_owner(key * key, journals), owner);
  }
}

TEST(KeyOwner, SpreadsKeysEvenly) {
  std::map<std::uint64_t, unsigned> shares;
  auto journals = some(10);
  for (unsigned i = 0; i < 10'000; ++i)
    ++shares[key_owner(key_hash("t", "key " + std::to_string(i)), journals)];
  ASSERT_EQ(shares.size(), 10u);
  for (auto [journal, count] : shares) {
    EXPECT_GT(count, 850u) << journal;
    EXPECT_LT(count, 1150u) << journal;
  }
}

TEST(KeyOwner, MovesKeysToANewJournalAndBetweenNoOthers) {
  auto before = some(9);
  auto after = some(10);
  unsigned moved = 0;
  for (unsigned i = 0; i < 10'000; ++i) {
    auto hash = key_hash("t", std::to_string(i));
    auto was = key_owner(hash, before);
    auto is = key_owner(hash, after);
    if (was == is) continue;
    ++moved;
    EXPECT_EQ(is, after.back().journal);
  }
  EXPECT_NEAR(moved, 1000, 150);
}

TEST(KeyOwner, HadEveryEarlierOwnerAsTheWinnerOfSomePrefix) {
  auto journals = some(200);
  std::size_t asked = 0;
  for (unsigned i = 0; i < 500; ++i) {
    auto hash = key_hash("t", std::to_string(i));
    std::vector<std::uint64_t> winners;
    for (std::size_t n = 1; n <= journals.size(); ++n) {
      auto winner = key_owner(hash, std::span{journals}.first(n));
      if (winners.empty() || winners.back() != winner) winners.push_back(winner);
    }
    EXPECT_EQ(key_owners_so_far(hash, journals), winners);
    asked += winners.size();
  }
  // The harmonic number of 200 is 5.9.
  EXPECT_NEAR(static_cast<double>(asked) / 500, 5.9, 0.4);
}

TEST(KeyOwner, IsNobodyWhereThereIsNoJournal) {
  EXPECT_EQ(key_owner(17, {}), 0u);
  EXPECT_TRUE(key_owners_so_far(17, {}).empty());
}

}  // namespace
}  // namespace tandem::testing
