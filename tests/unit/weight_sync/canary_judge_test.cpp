#include "actors/weight_sync/canary_judge.hpp"

#include <random>

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr std::uint64_t span = 30'000;

canary_opinion judge(const service_figures& canaries, const service_figures& others,
                     std::uint64_t elapsed = span) {
  return judge_canaries(canaries, others, elapsed, span, 50).opinion;
}

TEST(CanaryJudge, WaitsForTimeAndRequests) {
  service_figures good{.requests = 100, .busy_us = 10'000'000};
  EXPECT_EQ(judge(good, good, span - 1), canary_opinion::wait);
  EXPECT_EQ(judge(good, good), canary_opinion::good);
  service_figures few{.requests = 10, .busy_us = 1'000'000};
  EXPECT_EQ(judge(few, good), canary_opinion::wait);
  EXPECT_EQ(judge(few, good, 10 * span), canary_opinion::good);
}

TEST(CanaryJudge, SaysAtOnceWhatIsBad) {
  service_figures others{.requests = 1000, .failures = 10, .busy_us = 100'000'000};
  EXPECT_EQ(judge({.requests = 40, .failures = 10, .busy_us = 4'000'000}, others, 1000),
            canary_opinion::bad);
  EXPECT_EQ(judge({.requests = 40, .busy_us = 8'000'000}, others, 1000), canary_opinion::bad);
  auto worse = others;
  worse.quality = .9;
  worse.quality_error = .01;
  EXPECT_EQ(judge({.requests = 40, .busy_us = 4'000'000, .quality = .8, .quality_error = .02},
                  worse, 1000),
            canary_opinion::bad);
}

TEST(CanaryJudge, TakesNoSmallDifferenceForAnError) {
  // As good as the others, in 2,000 draws: refused at about 1% of looks.
  std::mt19937 random{1};
  std::binomial_distribution<std::uint64_t> canary{100, .05}, other{900, .05};
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    service_figures a{.requests = 100, .failures = canary(random), .busy_us = 10'000'000};
    service_figures b{.requests = 900, .failures = other(random), .busy_us = 90'000'000};
    refused += judge(a, b) == canary_opinion::bad ? 1 : 0;
  }
  EXPECT_LT(refused, 60);
}

TEST(CanaryJudge, FindsTwiceTheErrors) {
  std::mt19937 random{2};
  std::binomial_distribution<std::uint64_t> canary{400, .10}, other{3600, .05};
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    service_figures a{.requests = 400, .failures = canary(random), .busy_us = 40'000'000};
    service_figures b{.requests = 3600, .failures = other(random), .busy_us = 360'000'000};
    refused += judge(a, b) == canary_opinion::bad ? 1 : 0;
  }
  EXPECT_GT(refused, 450);
}

}  // namespace
}  // namespace tandem
