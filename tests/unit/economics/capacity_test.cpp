#include "nodes/economics/capacity.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "nodes/economics/latency.hpp"
#include "nodes/economics/uncertainty.hpp"

namespace tandem {
namespace {

capacity_point at(double input, double output, double rate) {
  return {sourced_number::exact(rate, number_kind::measured, "bench"), input, output};
}

TEST(Capacity, FindsTheTimesThatMadeThePoints) {
  constexpr double read = 7e-5;
  constexpr double write = 1.2e-4;
  std::vector<capacity_point> points;
  for (auto [in, out] : {std::pair{200.0, 200.0}, {4000.0, 100.0}, {30.0, 900.0}})
    points.push_back(at(in, out, 1 / (read * in + write * out)));
  auto times = fit_token_times(points);
  ASSERT_TRUE(times);
  EXPECT_NEAR(times->read_s, read, 1e-12);
  EXPECT_NEAR(times->write_s, write, 1e-12);
  EXPECT_NEAR(times->misfit, 0, 1e-9);
  engine_capacity capacity{points};
  // mu(h) = 1 / (a in (1 - h) + b out)
  EXPECT_NEAR(capacity.requests_per_s(1000, 50, 0.4), 1 / (read * 600 + write * 50), 1e-9);
}

TEST(Capacity, AtAMeasuredMixIsWhatWasMeasured) {
  engine_capacity capacity{{at(218, 201, 18.76), at(2000, 100, 9.04), at(32000, 83, 0.479)}};
  EXPECT_DOUBLE_EQ(capacity.requests_per_s(220, 200, 0), 18.76);
  EXPECT_EQ(capacity.factor(220, 200).kind, number_kind::measured);
  EXPECT_FALSE(capacity.factor(220, 200).has_range());
  auto between = capacity.factor(900, 150);
  EXPECT_EQ(between.kind, number_kind::derived);
  EXPECT_LT(between.low, 1);
  EXPECT_GT(between.high, 1);
  EXPECT_GT(capacity.requests_per_s(220, 200, 0.9), 18.76);
}

TEST(Capacity, OfOnePointIsTakenOverWithAWideRange) {
  engine_capacity capacity{{at(200, 200, 10)}};
  EXPECT_FALSE(capacity.times());
  EXPECT_LT(capacity.requests_per_s(2000, 200, 0), 10);
  auto factor = capacity.factor(2000, 200);
  EXPECT_EQ(factor.kind, number_kind::assumed);
  EXPECT_LE(factor.low, 0.5);
  EXPECT_GE(factor.high, 2);
}

TEST(Capacity, WithoutTokensIsTheSameForAll) {
  engine_capacity capacity{{{sourced_number::exact(180, number_kind::assumed), {}, {}}}};
  EXPECT_EQ(capacity.requests_per_s(1, 1, 0), 180);
  EXPECT_EQ(capacity.requests_per_s(9000, 900, 0.5), 180);
}

TEST(Capacity, PointsThatCannotTellTheTimesApartAreNoFit) {
  EXPECT_FALSE(fit_token_times(std::vector{at(100, 100, 5), at(200, 200, 2.5)}));
  EXPECT_FALSE(fit_token_times(std::vector{at(100, 100, 5)}));
}

TEST(Latency, StreamingNeverSavesMoreThanThePlanOrTheSteps) {
  job_timing timing{.plan_first_token = 100, .plan_writing = 5000, .step = 1600, .serial_steps = 5};
  EXPECT_NEAR(streaming_overlap_ms(timing), 4000, 1e-9);
  EXPECT_NEAR(job_latency_ms(timing), 100 + 5000 + 5 * 1600 - 4000, 1e-9);
  timing.streams = false;
  EXPECT_NEAR(job_latency_ms(timing), 13100, 1e-9);
  timing = {.plan_first_token = 0, .plan_writing = 5000, .step = 100, .serial_steps = 3};
  EXPECT_NEAR(streaming_overlap_ms(timing), 200, 1e-9);
  timing.serial_steps = 1;
  EXPECT_EQ(streaming_overlap_ms(timing), 0);
}

TEST(Uncertainty, QuantilesAreInOrderAndWithinTheRange) {
  for (double u = 0; u < 0.985; u += 0.01) {
    auto x = triangular_quantile(1, 2, 5, u);
    EXPECT_GE(x, 1);
    EXPECT_LE(x, 5);
    EXPECT_LE(x, triangular_quantile(1, 2, 5, u + 0.01));
  }
  EXPECT_EQ(triangular_quantile(3, 3, 3, 0.7), 3);
  EXPECT_NEAR(triangular_quantile(0, 1, 2, 0.5), 1, 1e-12);
}

TEST(Uncertainty, OneNumberOfOneSourceIsDrawnOnce) {
  range_sampler sampler{1};
  auto price = sourced_number::between(2, 3, 5, "an H100");
  auto same = price;
  auto other = sourced_number::between(2, 3, 5, "an H200");
  sampler.next_draw();
  auto drawn = sampler(price);
  EXPECT_EQ(sampler(same), drawn);
  EXPECT_NE(sampler(other), drawn);
  sampler.next_draw();
  EXPECT_NE(sampler(price), drawn);
}

}  // namespace
}  // namespace tandem
