#include "actors/semantic/semantic_index.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr std::array<float, 4> east{1, 0, 0, 0};
constexpr std::array<float, 4> north{0, 1, 0, 0};

semantic_entry entry(std::string scope, std::string goal) {
  return {.scope = std::move(scope), .goal = std::move(goal), .payload = "plan"};
}

TEST(SemanticIndex, AnEntryIsFoundInItsOwnScopeOnly) {
  semantic_index index{{}};
  auto id = index.put(entry("a", "go"), east, 0);
  ASSERT_NE(id, 0U);
  EXPECT_EQ(index.nearest("a", east, 8, 0).size(), 1U);
  EXPECT_TRUE(index.nearest("b", east, 8, 0).empty());
  EXPECT_NE(index.same("a", "go", {}, 0), nullptr);
  EXPECT_EQ(index.same("b", "go", {}, 0), nullptr);
  EXPECT_EQ(index.same("a", "go", {"x"}, 0), nullptr);
}

TEST(SemanticIndex, TheSameGoalAgainTakesThePlaceOfTheFirst) {
  semantic_index index{{}};
  auto one = index.put(entry("a", "go"), east, 0);
  auto two = index.put(entry("a", "go"), east, 0);
  EXPECT_NE(one, two);
  EXPECT_EQ(index.size(), 1U);
  EXPECT_EQ(index.find(one), nullptr);
}

TEST(SemanticIndex, DropsTheLeastRecentlyUsedBeyondItsEntries) {
  semantic_index index{{.entries_max = 3}};
  std::vector<std::uint64_t> ids;
  for (const char* goal : {"a", "b", "c"}) ids.push_back(index.put(entry("s", goal), east, 0));
  index.touch(ids[0]);
  ids.push_back(index.put(entry("s", "d"), east, 0));
  EXPECT_NE(index.find(ids[0]), nullptr);
  EXPECT_EQ(index.find(ids[1]), nullptr);
  EXPECT_EQ(index.size(), 3U);
  EXPECT_EQ(index.evicted(), 1U);
}

TEST(SemanticIndex, StaysWithinItsBytes) {
  semantic_config config{.bytes_max = 400'000};
  config.bound.labels_kept = 64;
  semantic_index index{config};
  for (int i = 0; i < 5'000; ++i) {
    auto id =
        index.put(entry("scope " + std::to_string(i % 7),
                        std::string(static_cast<std::size_t>(i % 900), 'x') + std::to_string(i)),
                  i % 2 == 0 ? east : north, 0);
    ASSERT_NE(id, 0U);
    ASSERT_LE(index.bytes(), config.bytes_max);
    ASSERT_LE(index.vector_bytes(), index.bytes());
  }
  EXPECT_GT(index.evicted(), 0U);
  EXPECT_GT(index.size(), 100U);
}

TEST(SemanticIndex, RefusesWhatAloneIsBeyondItsBytes) {
  semantic_config config{.bytes_max = 50'000};
  config.bound.labels_kept = 64;
  semantic_index index{config};
  EXPECT_EQ(index.put(entry("a", std::string(60'000, 'x')), east, 0), 0U);
  EXPECT_EQ(index.size(), 0U);
  EXPECT_NE(index.put(entry("a", "short"), east, 0), 0U);
}

TEST(SemanticIndex, CountsBackToNothing) {
  semantic_index index{{.scopes_max = 2}};
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(index.put(entry("a", std::to_string(i)), east, 0));
  auto full = index.bytes();
  for (auto id : ids) EXPECT_TRUE(index.erase(id));
  auto empty = index.bytes();
  EXPECT_LT(empty, full);
  for (int i = 0; i < 100; ++i) ids.push_back(index.put(entry("a", std::to_string(i)), east, 0));
  EXPECT_EQ(index.bytes(), full);
}

TEST(SemanticIndex, DropsTheLeastRecentlyUsedScope) {
  semantic_index index{{.scopes_max = 2}};
  (void)index.put(entry("a", "1"), east, 0);
  (void)index.put(entry("b", "1"), east, 0);
  (void)index.nearest("a", east, 1, 0);
  (void)index.put(entry("c", "1"), east, 0);
  EXPECT_EQ(index.scopes(), 2U);
  EXPECT_EQ(index.size_of("a"), 1U);
  EXPECT_EQ(index.size_of("b"), 0U);
}

TEST(SemanticIndex, WhatHasExpiredIsNotFound) {
  semantic_index index{{.ttl_ms = 1'000}};
  (void)index.put(entry("a", "1"), east, 0);
  (void)index.put(entry("a", "2"), north, 500);
  EXPECT_EQ(index.nearest("a", east, 8, 999).size(), 2U);
  EXPECT_EQ(index.nearest("a", east, 8, 1'000).size(), 1U);
  EXPECT_EQ(index.size(), 1U) << "met, and removed";
  EXPECT_EQ(index.expire(1'499, 10), 0U);
  EXPECT_EQ(index.expire(1'500, 10), 1U);
  EXPECT_EQ(index.size(), 0U);
}

TEST(SemanticIndex, RefusesAnotherDimension) {
  semantic_index index{{}};
  (void)index.put(entry("a", "1"), east, 0);
  EXPECT_EQ(index.put(entry("a", "2"), std::array<float, 3>{1, 0, 0}, 0), 0U);
}

}  // namespace
}  // namespace tandem
