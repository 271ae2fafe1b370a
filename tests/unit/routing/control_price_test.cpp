#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "actors/router/control/dual_price.hpp"
#include "schema/errc.hpp"
#include "tests/unit/routing/control_simulation.hpp"

namespace tandem {
namespace {

using simulation::buyer;
using simulation::market;

constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::uint64_t start_ms = 1'800'000'000'000;
constexpr int seeds = 20;
constexpr int jobs = 1000;

/// The average cost of `jobs` jobs over the target, less 1.
double miss(dual_price& price, buyer& jobs_of, std::int64_t target) {
  double spent = 0;
  for (int i = 0; i < jobs; ++i) {
    auto cost = jobs_of.buy(price.price(start_ms));
    spent += static_cast<double>(cost);
    price.on_cost(cost, start_ms);
    price.on_job(start_ms);
  }
  return spent / jobs / static_cast<double>(target) - 1;
}

class in_every_market : public testing::TestWithParam<double> {};

TEST_P(in_every_market, AThousandJobsCostTheTargetWithinAPercent) {
  for (const auto& m : simulation::markets()) {
    auto least = buyer{m, 7}.mean(dual_price::price_max);
    auto free = buyer{m, 8}.mean(0);
    auto target = std::llround(least + GetParam() * (free - least));
    for (auto round : {"the first thousand", "the second"}) {
      double sum = 0;
      double worst = 0;
      for (int seed = 1; seed <= seeds; ++seed) {
        dual_price price{{.job_nanousd = target}};
        buyer jobs_of{m, static_cast<std::uint64_t>(seed)};
        if (round[4] == 's') (void)miss(price, jobs_of, target);
        auto off = miss(price, jobs_of, target);
        sum += off;
        worst = std::max(worst, std::abs(off));
      }
      EXPECT_LT(std::abs(sum / seeds), 0.01) << m.name << ", " << round;
      // One job of a heavy tail costs dozens of targets: where it comes last nothing makes up for
      // it.
      EXPECT_LT(worst, m.cost_sigma < 1 ? 0.0125 : 0.15) << m.name << ", " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(dual_price, in_every_market, testing::Values(0.2, 0.5, 0.8));

TEST(dual_price, AnHoursTargetIsMetWhateverTheNumberOfJobs) {
  for (const auto& m : simulation::markets()) {
    if (m.cost_sigma >= 1) continue;
    for (double rate : {20.0, 1000.0}) {
      auto per_job = 0.5 * (buyer{m, 7}.mean(dual_price::price_max) + buyer{m, 8}.mean(0));
      auto target = std::llround(per_job * rate);
      double sum = 0;
      for (int seed = 1; seed <= 6; ++seed) {
        dual_price price{{.hour_nanousd = target}};
        buyer jobs_of{m, static_cast<std::uint64_t>(seed)};
        std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
        std::exponential_distribution<double> gap{rate / hour_ms};
        auto now = static_cast<double>(start_ms);
        auto hours = std::max(3.0, 2000 / rate);
        double spent = 0;
        // What comes before is not counted: an hour to learn the price, a hundred jobs at least.
        auto from = now + hour_ms * std::max(1.0, 300 / rate);
        auto until = from + hours * hour_ms;
        for (now += gap(random); now < until; now += gap(random)) {
          auto at = static_cast<std::uint64_t>(now);
          auto cost = jobs_of.buy(price.price(at));
          if (now >= from) spent += static_cast<double>(cost);
          price.on_cost(cost, at);
          price.on_job(at);
        }
        sum += spent / hours / static_cast<double>(target) - 1;
      }
      EXPECT_LT(std::abs(sum / 6), 0.02) << m.name << ", " << rate << " jobs an hour";
    }
  }
}

TEST(dual_price, WithoutATargetThePriceIsNothing) {
  dual_price price{{}};
  price.on_cost(1'000'000'000, start_ms);
  price.on_job(start_ms);
  EXPECT_EQ(price.price(start_ms), 0);
}

TEST(dual_price, SlackBringsThePriceBackToNothing) {
  dual_price price{{.job_nanousd = 1'000}};
  for (int i = 0; i < 5'000; ++i) {
    price.on_cost(3'000, start_ms);
    price.on_job(start_ms);
  }
  EXPECT_NEAR(price.price(start_ms), dual_price::price_max, 1e-9);
  for (int i = 0; i < 2'000; ++i) {
    price.on_cost(100, start_ms);
    price.on_job(start_ms);
  }
  EXPECT_EQ(price.price(start_ms), 0);
}

TEST(dual_price, CreditForThriftIsBounded) {
  dual_price price{{.job_nanousd = 1'000}};
  for (int i = 0; i < 100'000; ++i) price.on_job(start_ms);
  int more = 0;
  while (price.price(start_ms) == 0 && more < 1'000) {
    price.on_cost(2'000, start_ms);
    price.on_job(start_ms);
    ++more;
  }
  EXPECT_LE(more, 26);
}

TEST(dual_price, AClockThatJumpsGrantsNoMoreThanTheBoundedCredit) {
  dual_price price{{.hour_nanousd = 1'000'000}};
  price.on_cost(10'000, start_ms);
  price.on_job(start_ms);
  for (std::uint64_t at : {start_ms + 1'000 * hour_ms, start_ms, std::uint64_t{0},
                           std::numeric_limits<std::uint64_t>::max(), start_ms}) {
    price.on_cost(0, at);
    EXPECT_GE(price.state().debt_nanousd, -250'000);
    EXPECT_TRUE(std::isfinite(price.price(at)));
  }
  // A quarter of the hour's money is the credit; what goes beyond has a price at once.
  price.on_cost(300'000, start_ms);
  EXPECT_GT(price.price(start_ms), 0);
}

TEST(dual_price, AClockThatGoesBackGrantsNothingTwice) {
  dual_price price{{.hour_nanousd = 1'000'000}};
  price.on_cost(500'000, start_ms);
  for (int i = 0; i < 1'000; ++i) {
    price.on_cost(0, start_ms + 1'000);
    price.on_cost(0, start_ms);
  }
  // Each second forward again counts: no more than a second a step.
  EXPECT_LT(price.state().debt_nanousd, 500'000);
  EXPECT_GE(price.state().debt_nanousd, -250'000);
  auto before = price.state().debt_nanousd;
  price.on_cost(0, start_ms - 10 * hour_ms);
  EXPECT_EQ(price.state().debt_nanousd, before);
}

TEST(dual_price, ANonsenseCostIsBounded) {
  dual_price price{{.job_nanousd = 1'000}};
  price.on_cost(-1'000'000, start_ms);
  EXPECT_EQ(price.state().debt_nanousd, 0);
  price.on_cost(std::numeric_limits<std::int64_t>::max(), start_ms);
  price.on_job(start_ms);
  EXPECT_LE(price.price(start_ms), dual_price::price_max);
  EXPECT_TRUE(std::isfinite(price.state().debt_nanousd));
}

TEST(dual_price, GoesOnWhereItWas) {
  const market m = simulation::markets().front();
  dual_price price{{.job_nanousd = 700'000}};
  buyer jobs_of{m, 3};
  (void)miss(price, jobs_of, 700'000);
  auto again = dual_price::restore(price.target(), price.state());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->price(start_ms), price.price(start_ms));
  EXPECT_EQ(again->spent_nanousd(start_ms), price.spent_nanousd(start_ms));
}

TEST(dual_price, TakesAnotherTargetWithinItsBounds) {
  dual_price price{{.job_nanousd = 1'000'000}};
  for (int i = 0; i < 100; ++i) price.on_job(start_ms);
  auto again = dual_price::restore({.job_nanousd = 1'000}, price.state());
  ASSERT_TRUE(again);
  EXPECT_GE(again->state().debt_nanousd, -25'000);
}

TEST(dual_price, RefusesAStateThatCannotBe) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto infinity = std::numeric_limits<double>::infinity();
  const dual_price_state broken[] = {
      {.level = nan},
      {.level = -1},
      {.level = 100},
      {.debt_nanousd = infinity},
      {.job_mean_nanousd = -5},
      {.job_now_nanousd = nan},
      {.hour_spent_nanousd = 1e30},
  };
  for (const auto& state : broken) {
    auto restored = dual_price::restore({.job_nanousd = 1'000}, state);
    ASSERT_FALSE(restored);
    EXPECT_EQ(code_of(restored.error()), errc::corrupted);
  }
}

TEST(dual_price, SaysWhatWasSpent) {
  dual_price by_job{{.job_nanousd = 1'000}};
  for (int i = 0; i < 50; ++i) {
    by_job.on_cost(600, start_ms);
    by_job.on_cost(200, start_ms);
    by_job.on_job(start_ms);
  }
  EXPECT_NEAR(by_job.spent_nanousd(start_ms), 800, 1e-6);
  dual_price by_hour{{.hour_nanousd = 100'000}};
  auto now = start_ms / hour_ms * hour_ms;
  by_hour.on_cost(600, now);
  by_hour.on_cost(200, now + 60'000);
  EXPECT_EQ(by_hour.spent_nanousd(now + 120'000), 800);
  EXPECT_EQ(by_hour.spent_nanousd(now + hour_ms), 0);
}

}  // namespace
}  // namespace tandem
