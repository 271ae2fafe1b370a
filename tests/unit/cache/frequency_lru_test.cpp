#include "actors/cache/frequency_lru.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cache/recency_lru.hpp"
#include "tests/unit/cache/cache_testing.hpp"

namespace tandem {
namespace {

using test::item_of;
using test::key_of;

constexpr std::size_t room = 1u << 20;

bool use(cache_memory& cache, std::uint64_t n) {
  if (cache.find(key_of(n), 0) != nullptr) return true;
  cache.put(key_of(n), item_of(512));
  return false;
}

std::uint64_t held_after_a_scan(cache_memory& cache) {
  for (int round = 0; round < 4; ++round)
    for (std::uint64_t n = 0; n < 500; ++n) use(cache, n);
  for (std::uint64_t n = 0; n < 20'000; ++n) use(cache, 1'000'000 + n);
  std::uint64_t held = 0;
  for (std::uint64_t n = 0; n < 500; ++n) held += cache.find(key_of(n), 0) != nullptr ? 1 : 0;
  return held;
}

TEST(FrequencyLru, AScanPassesThroughTheSmallQueueAlone) {
  frequency_lru frequency(room);
  EXPECT_EQ(held_after_a_scan(frequency), 500u);
  recency_lru recency(room);
  EXPECT_EQ(held_after_a_scan(recency), 0u);
}

TEST(FrequencyLru, WhatComesBackWhileItIsRememberedStays) {
  frequency_lru cache(room);
  for (std::uint64_t n = 0; n < 3000; ++n) use(cache, n);
  const auto capacity = cache.size();
  // Long gone, but among the ghosts; then as many strangers as push out all that is not in the main
  // queue.
  const auto back = 3000 - capacity - capacity / 4;
  ASSERT_FALSE(use(cache, back));
  const auto forgotten = std::uint64_t{0};
  ASSERT_FALSE(use(cache, forgotten));
  for (std::uint64_t n = 0; n < capacity + 100; ++n) use(cache, 10'000 + n);
  EXPECT_TRUE(use(cache, back));
  EXPECT_FALSE(use(cache, forgotten));
}

}  // namespace
}  // namespace tandem
