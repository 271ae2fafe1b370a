#include "actors/cache/early_refresh.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/cache/cache_testing.hpp"

namespace tandem {
namespace {

using test::key_of;

/// Of an answer that took 2 s and ends at 1,000,000 ms.
double share_due(std::uint64_t left_ms, double beta, std::uint32_t compute_us = 2'000'000) {
  cache_item item{{}, 0, 1'000'000, compute_us};
  std::mt19937_64 random(7);
  constexpr int tries = 20'000;
  int due = 0;
  for (int i = 0; i < tries; ++i) {
    const double uniform = (static_cast<double>(random() >> 11) + 1) * 0x1p-53;
    due += is_refresh_due(item, 1'000'000 - left_ms, beta, uniform) ? 1 : 0;
  }
  return static_cast<double>(due) / tries;
}

TEST(EarlyRefresh, IsLikelierTowardsTheEndAsThePaperSays) {
  // P(-c beta ln u >= left) = exp(-left / (c beta)).
  EXPECT_NEAR(share_due(2000, 1), 0.3679, 0.02);
  EXPECT_NEAR(share_due(4000, 1), 0.1353, 0.02);
  EXPECT_NEAR(share_due(4000, 2), 0.3679, 0.02);
  EXPECT_NEAR(share_due(2000, 1, 4'000'000), 0.6065, 0.02);
  EXPECT_EQ(share_due(600'000, 1), 0);
  EXPECT_EQ(share_due(0, 1), 1);
}

TEST(EarlyRefresh, WithoutBetaOrARandomNumberItWaitsForTheEnd) {
  const cache_item item{{}, 0, 1000, 2'000'000};
  EXPECT_FALSE(is_refresh_due(item, 999, 0, 1e-300));
  EXPECT_FALSE(is_refresh_due(item, 999, 1, 0));
  EXPECT_FALSE(is_refresh_due(item, 999, 1, std::nan("")));
  EXPECT_TRUE(is_refresh_due(item, 1000, 0, 0));
}

TEST(EarlyRefresh, OneAtATimeForEachKeyUntilItEndsOrIsLost) {
  early_refresh refresh(2);
  EXPECT_TRUE(refresh.begin(key_of(1), 100, 200));
  EXPECT_FALSE(refresh.begin(key_of(1), 150, 250));
  EXPECT_TRUE(refresh.begin(key_of(2), 150, 250));
  EXPECT_FALSE(refresh.begin(key_of(3), 150, 250)) << "the table is full";
  refresh.end(key_of(2));
  EXPECT_TRUE(refresh.begin(key_of(2), 160, 260));
  EXPECT_TRUE(refresh.begin(key_of(1), 200, 300)) << "the first one never came back";
  EXPECT_TRUE(refresh.begin(key_of(3), 260, 360)) << "the lost make room";
  EXPECT_EQ(refresh.size(), 2u);
}

}  // namespace
}  // namespace tandem
