#include "nodes/economics/break_even.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace tandem {
namespace {

two_fleets random_fleets(std::mt19937_64& random) {
  auto between = [&random](double low, double high) {
    return std::uniform_real_distribution{low, high}(random);
  };
  auto pool = [&](double calls) {
    fleet_term term;
    term.calls = calls;
    if (random() % 3 == 0) {
      term.call_usd_year = between(100, 50'000);
    } else {
      term.engine_rate = between(0.5, 40);
      term.engine_usd_year = between(10'000, 800'000);
      term.spares = static_cast<double>(random() % 3);
    }
    return term;
  };
  two_fleets fleets;
  auto large = pool(between(0.5, 9));
  fleets.baseline = {large};
  large.calls *= between(0.05, 1.1);
  fleets.other = {large, pool(between(0.5, 9))};
  fleets.running_usd_year = between(0, 500'000);
  fleets.peak = between(1, 4);
  return fleets;
}

TEST(BreakEven, IsWhereTheSavingIsNegativeForTheLastTime) {
  constexpr auto seed = 20260131u;
  SCOPED_TRACE(seed);
  std::mt19937_64 random{seed};
  int found = 0;
  for (int i = 0; i < 2000; ++i) {
    auto fleets = random_fleets(random);
    auto even = find_break_even(fleets);
    if (!even) continue;
    ++found;
    // Never negative above, at many rates near and far.
    for (int k = 0; k < 400; ++k) {
      auto qps = (even->qps + 1e-6) * (1 + 1e-7 + std::pow(static_cast<double>(k) / 100, 2));
      auto scale = fleets.yearly_usd(fleets.baseline, qps) + fleets.running_usd_year;
      EXPECT_GE(fleets.saving(qps), -1e-6 * scale) << i << " at " << qps << " of " << even->qps;
    }
    if (even->qps > 1e-6) {
      EXPECT_LT(fleets.saving(even->qps * (1 - 1e-6)), 0) << i << " below " << even->qps;
    }
  }
  EXPECT_GT(found, 500);
}

TEST(BreakEven, WhatCostsMoreForEachRequestNeverBreaksEven) {
  std::mt19937_64 random{7};
  int none = 0;
  for (int i = 0; i < 2000; ++i) {
    auto fleets = random_fleets(random);
    if (find_break_even(fleets)) continue;
    ++none;
    EXPECT_LT(fleets.saving(1e7), 1e-9 * fleets.yearly_usd(fleets.baseline, 1e7)) << i;
  }
  EXPECT_GT(none, 100);
}

TEST(BreakEven, OfPlainPricesIsRunningCostOverSaving) {
  two_fleets fleets;
  fleets.baseline = {{.calls = 1, .call_usd_year = 1000}};
  fleets.other = {{.calls = 0.25, .call_usd_year = 1000}, {.calls = 0.75, .call_usd_year = 200}};
  fleets.running_usd_year = 60'000;
  auto even = find_break_even(fleets);
  ASSERT_TRUE(even);
  EXPECT_NEAR(even->qps, 100, 1e-6);
  EXPECT_TRUE(even->is_attained);
}

TEST(BreakEven, OfWholeEnginesIsAStep) {
  // A large engine is saved for each 10 requests/s beyond the first small one.
  two_fleets fleets;
  fleets.baseline = {{.calls = 1, .engine_rate = 10, .engine_usd_year = 100}};
  fleets.other = {{.calls = 1, .engine_rate = 100, .engine_usd_year = 250}};
  EXPECT_EQ(fleets.saving(20), -50);
  EXPECT_EQ(fleets.saving(20.001), 50);
  EXPECT_EQ(fleets.saving(100), 750);
  // The second small engine costs 250, and 11 large ones 1,100.
  EXPECT_EQ(fleets.saving(100.001), 600);
  auto even = find_break_even(fleets);
  ASSERT_TRUE(even);
  EXPECT_NEAR(even->qps, 20, 1e-9);
  EXPECT_FALSE(even->is_attained);
}

TEST(BreakEven, AWholeNumberOfEnginesIsNotRoundedUp) {
  two_fleets fleets;
  fleet_term pool{.calls = 0.1, .engine_rate = 0.3, .engine_usd_year = 1};
  for (int n = 1; n < 1000; ++n) EXPECT_EQ(fleets.engines(pool, 3.0 * n), n);
  pool.calls = 0;
  pool.spares = 2;
  EXPECT_EQ(fleets.engines(pool, 10), 0) << "a pool without calls is not there";
}

}  // namespace
}  // namespace tandem
