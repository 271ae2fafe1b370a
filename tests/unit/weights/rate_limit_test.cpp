#include <gtest/gtest.h>

#include "actors/weights/rate_limit.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr rate_limit::time_point origin{std::chrono::hours{1}};

/// Bytes that pass in `span` when somebody always wants a piece of `piece` bytes more.
std::uint64_t passed_in(rate_limit& limit, std::chrono::milliseconds span, std::uint64_t piece) {
  std::uint64_t sum = 0;
  for (auto now = origin; now < origin + span; now += 1ms)
    while (limit.take(piece, now)) sum += piece;
  return sum;
}

TEST(RateLimit, LetsTheMeanPassWhateverTheSizeOfThePieces) {
  for (std::uint64_t piece : {1'000u, 64'000u, 1'000'000u}) {
    rate_limit limit{10'000'000, 100'000};
    EXPECT_NEAR(static_cast<double>(passed_in(limit, 10s, piece)), 100e6, 1.2e6) << piece;
  }
}

TEST(RateLimit, ARestEarnsNoMoreThanABurst) {
  rate_limit limit{1'000'000, 50'000};
  std::uint64_t sum = 0;
  while (limit.take(1'000, origin)) sum += 1'000;
  EXPECT_EQ(sum, 50'000u + 1'000u);
}

TEST(RateLimit, SaysWhenTheNextMayPass) {
  rate_limit limit{1'000, 0};
  EXPECT_TRUE(limit.take(500, origin));
  EXPECT_FALSE(limit.take(1, origin + 499ms));
  EXPECT_EQ(limit.ready_at(), origin + 500ms);
  EXPECT_TRUE(limit.take(1, origin + 500ms));
}

TEST(RateLimit, WhatHasPassedAlreadyIsOwed) {
  rate_limit limit{1'000, 0};
  limit.owe(2'000, origin);
  limit.owe(1'000, origin);
  EXPECT_EQ(limit.ready_at(), origin + 3s);
}

TEST(RateLimit, ZeroIsNoLimit) {
  rate_limit limit{0, 0};
  limit.owe(1'000'000'000, origin);
  EXPECT_TRUE(limit.take(1'000'000'000, origin));
  EXPECT_TRUE(limit.take(1'000'000'000, origin));
}

}  // namespace
}  // namespace tandem
