#include "actors/cost/job_draws.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace tandem {
namespace {

TEST(JobDraws, AreTheSameForTheSameJob) {
  EXPECT_EQ(draw_job(7, 42), draw_job(7, 42));
  EXPECT_NE(draw_job(7, 42), draw_job(7, 43));
  EXPECT_NE(draw_job(7, 42), draw_job(8, 42));
}

TEST(JobDraws, CountEachJobOnceOnAverageWithAVarianceOfOne) {
  double sum = 0, squares = 0;
  constexpr std::uint64_t jobs = 2000;
  for (std::uint64_t job = 1; job <= jobs; ++job)
    for (auto count : draw_job(99, job)) {
      sum += count;
      squares += count * count;
    }
  auto draws = static_cast<double>(jobs * draws_count);
  auto mean = sum / draws;
  EXPECT_NEAR(mean, 1, 0.01);
  EXPECT_NEAR(squares / draws - mean * mean, 1, 0.02);
}

TEST(JobDraws, ThatAreMostlyEmptyGiveNoInterval) {
  EXPECT_FALSE(middle_95(std::vector<double>(draws_count / 2 - 1, 1.0)));
  EXPECT_TRUE(middle_95(std::vector<double>(draws_count / 2, 1.0)));
}

TEST(JobDraws, GiveTheMiddleOfTheirValues) {
  std::vector<double> values(draws_count);
  std::iota(values.begin(), values.end(), 0.0);
  auto range = middle_95(values);
  ASSERT_TRUE(range);
  EXPECT_NEAR(range->low, 5, 1);
  EXPECT_NEAR(range->high, 194, 1);
}

}  // namespace
}  // namespace tandem
