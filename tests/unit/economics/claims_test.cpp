#include "nodes/economics/claims.hpp"

#include <cmath>

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::HasSubstr;

/// The brief's engines and prices.
claim_context brief() {
  claim_context context;
  context.large = {"235B", 22, 95, 5.54, 32, std::nullopt};
  context.small = {"4B", 180, 25, 0.042, 2, std::nullopt};
  context.large_usd_per_1k = 5.54;
  context.small_usd_per_1k = 0.042;
  context.large_ms = 95;
  context.small_ms = 25;
  context.all_large_usd_year = [](double qps) { return 5.54 * qps * 3.6 * 8760; };
  return context;
}

/// Engines that nobody stated anything of, at public prices.
claim_context public_prices() {
  claim_context context;
  context.large_usd_per_1k = 1000 * 4 * 3.0 / (3600 * 18.76);
  context.small_usd_per_1k = 1000 * 1 * 3.0 / (3600 * 24.87);
  context.all_large_usd_year = [](double qps) { return std::ceil(qps / 18.76) * 4 * 3 * 8760; };
  return context;
}

const finding* find(const std::vector<finding>& all, std::string_view name, bool contradicts,
                    std::string_view who = {}) {
  auto found = std::find_if(all.begin(), all.end(), [&](const finding& f) {
    return f.name == name && f.contradicts == contradicts && (who.empty() || f.who == who);
  });
  return found == all.end() ? nullptr : &*found;
}

std::string contradiction(const claim_context& context, const std::vector<claim>& claims,
                          std::string_view name, std::string_view who = {}) {
  auto all = check_claims(context, claims);
  const auto* found = find(all, name, true, who);
  return found == nullptr ? "" : found->arithmetic;
}

std::string agreement(const claim_context& context, const std::vector<claim>& claims,
                      std::string_view name) {
  auto all = check_claims(context, claims);
  EXPECT_EQ(find(all, name, true), nullptr) << name;
  const auto* found = find(all, name, false);
  return found == nullptr ? "" : found->arithmetic;
}

TEST(Claims, ALatencyThatKeepsTooFewInFlightIsAFirstToken) {
  EXPECT_NEAR(in_flight(180, 25), 4.5, 1e-9);
  EXPECT_NEAR(in_flight(22, 95), 2.09, 1e-9);
  EXPECT_THAT(contradiction(brief(), {}, "littles_law", "4B"),
              HasSubstr("= 4.5 requests in flight"));
  EXPECT_THAT(contradiction(brief(), {}, "littles_law", "235B"),
              HasSubstr("= 2.1 requests in flight"));
  auto whole = brief();
  whole.small.latency_ms = 2500;
  EXPECT_EQ(contradiction(whole, {}, "littles_law", "4B"), "");
}

TEST(Claims, APriceOfAThousandIsOneOfGpuHours) {
  EXPECT_NEAR(engine_hour_usd(0.042, 180), 27.22, 0.005);
  EXPECT_NEAR(engine_hour_usd(5.54, 22), 438.77, 0.005);
  auto all = check_claims(brief(), {});
  EXPECT_THAT(find(all, "price_per_gpu_hour", false, "4B")->arithmetic,
              HasSubstr("$27.22 an engine-hour; with 2 GPUs $13.61 a GPU-hour, about 4.5 times"));
  EXPECT_THAT(find(all, "price_per_gpu_hour", false, "235B")->arithmetic,
              HasSubstr("$438.77 an engine-hour; with 32 GPUs $13.71"));
  EXPECT_THAT(find(all, "price_per_gpu_hour", false, "both")->arithmetic, HasSubstr("one uniform"));
  auto at_three = brief();
  at_three.small.gpu_hour_usd = 3;
  EXPECT_THAT(contradiction(at_three, {}, "price_per_gpu_hour", "4B"),
              HasSubstr("$13.61 a GPU-hour, but it is said to be $3.00"));
  at_three.small.gpu_hour_usd = 13.6;
  EXPECT_EQ(contradiction(at_three, {}, "price_per_gpu_hour"), "");
}

TEST(Claims, ASavingNeedsAShareOfLargeCalls) {
  claim said{
      .who = "x", .saving = claimed_range{0.60, 0.85}, .large_share = claimed_range{0.2, 0.3}};
  // 20 to 30% complex gives 79 to 69%, which agrees; 60 to 85% needs .395 to .144.
  auto text = agreement(brief(), {said}, "saving_share");
  EXPECT_THAT(text, HasSubstr("69.5% to 79.4%"));
  EXPECT_THAT(text, HasSubstr("f would be 0.1435 to 0.3954"));
  said.large_share = claimed_range{0.6, 0.7};
  EXPECT_THAT(contradiction(brief(), {said}, "saving_share"),
              HasSubstr("is 29.8% to 39.7%, not 60"));
}

TEST(Claims, APublicPriceRatioPutsEightyFivePercentOutOfReach) {
  claim said{.who = "x", .saving = claimed_range{0.60, 0.85}};
  auto text = contradiction(public_prices(), {said}, "saving_ceiling");
  EXPECT_THAT(text, HasSubstr("a ratio of 5.303"));
  EXPECT_THAT(text, HasSubstr("no more than 81.1%"));
  EXPECT_THAT(text, HasSubstr("85.0% is out of reach"));
  said.saving = claimed_range{0.60, 0.81};
  EXPECT_EQ(contradiction(public_prices(), {said}, "saving_ceiling"), "");
}

TEST(Claims, TwoToThreeTimesTheThroughputContradictsEightyFivePercent) {
  claim said{
      .who = "x", .saving = claimed_range{0.60, 0.85}, .throughput_multiple = claimed_range{2, 3}};
  auto text = contradiction(brief(), {said}, "throughput_multiple");
  EXPECT_THAT(text, HasSubstr("0.3333 to 0.5"));
  EXPECT_THAT(text, HasSubstr("85.0% saved needs f = 0.1435"));
  EXPECT_THAT(text, testing::Not(HasSubstr("60.0% saved needs")));
  said.saving = claimed_range{0.55, 0.65};
  EXPECT_EQ(contradiction(brief(), {said}, "throughput_multiple"), "");
}

TEST(Claims, ALatencyGainNeedsFewSerialSteps) {
  claim said{.who = "x", .latency_gain = claimed_range{0.30, 0.50}};
  EXPECT_THAT(agreement(brief(), {said}, "latency_steps"), HasSubstr("0.6867 to 2.111"));
  said.serial_steps = 8;
  EXPECT_THAT(contradiction(brief(), {said}, "latency_steps"), HasSubstr("with 8 it is 65.5%"));
  said.serial_steps = 1.5;
  EXPECT_EQ(contradiction(brief(), {said}, "latency_steps"), "");
  said.latency_gain = claimed_range{0.8, 0.9};
  EXPECT_THAT(contradiction(brief(), {said}, "latency_steps"), HasSubstr("serially at most 73.7%"));
}

TEST(Claims, ADollarSavingIsAShareOfTheWholeBill) {
  std::vector<claim> said{{.who = "all", .saving = claimed_range{0.60, 0.85}},
                          {.who = "1000", .qps = 1000, .saving_usd_year = 41.82e6},
                          {.who = "100", .qps = 100, .saving_usd_year = 3.09e6}};
  EXPECT_THAT(contradiction(brief(), said, "yearly_saving", "1000"),
              HasSubstr("$41.82M a year of $174.7M is 23.9%, not 60.0% to 85.0%"));
  EXPECT_THAT(contradiction(brief(), said, "yearly_saving", "100"), HasSubstr("is 17.7%, not"));
  EXPECT_EQ(contradiction(brief(), said, "whole_bill"), "");
  // f = .25 gives $130M.
  said[1].saving_usd_year = 130e6;
  EXPECT_EQ(contradiction(brief(), said, "yearly_saving", "1000"), "");
}

TEST(Claims, NobodySavesMoreThanTheWholeBill) {
  std::vector<claim> said{{.who = "1000", .qps = 1000, .saving_usd_year = 41.82e6}};
  EXPECT_THAT(contradiction(public_prices(), said, "whole_bill"),
              HasSubstr("cost $5.68M a year: nobody can save $41.82M of it"));
}

TEST(Claims, TwoSavingsHaveOneBreakEven) {
  std::vector<claim> said{{.who = "all", .break_even_qps = 50},
                          {.who = "1000", .qps = 1000, .saving_usd_year = 41.82e6},
                          {.who = "100", .qps = 100, .saving_usd_year = 3.09e6}};
  EXPECT_THAT(contradiction(brief(), said, "break_even_line"),
              HasSubstr("breaks even at 28, not 50"));
  said[0].break_even_qps = 28;
  EXPECT_THAT(agreement(brief(), said, "break_even_line"), HasSubstr("agrees with 28"));
}

TEST(Claims, PaybackAndReturnAreOneIdentity) {
  EXPECT_NEAR(roi_of_payback(2, 3), 17, 1e-12);
  EXPECT_NEAR(roi_of_payback(2.4, 1), 4, 1e-12);
  EXPECT_NEAR(roi_of_payback(2.4, 3), 14, 1e-12);
  EXPECT_NEAR(roi_of_payback(3.4, 1), 2.53, 0.005);
  EXPECT_NEAR(roi_of_payback(3.4, 3), 9.59, 0.005);
  auto said = [](double months, double roi) {
    return std::vector<claim>{{.who = "x", .payback_months = months, .roi = roi}};
  };
  EXPECT_THAT(contradiction(brief(), said(2.4, 146.30), "payback_roi"),
              testing::AllOf(HasSubstr("400% in one year"), HasSubstr("1,400% in 3 years"),
                             HasSubstr("not 14,630%")));
  EXPECT_THAT(contradiction(brief(), said(3.4, 22.75), "payback_roi"),
              testing::AllOf(HasSubstr("253%"), HasSubstr("959%"), HasSubstr("not 2,275%")));
}

TEST(Claims, TwoMonthsAndSeventeenHundredPercentInThreeYearsAgree) {
  std::vector<claim> said{{.who = "x", .payback_months = 2, .roi = 17, .roi_years = 3}};
  EXPECT_THAT(agreement(brief(), said, "payback_roi"), HasSubstr("1,700% in 3 years, as is said"));
  said[0].roi_years.reset();
  EXPECT_NE(agreement(brief(), said, "payback_roi"), "");
}

TEST(Claims, NothingClaimedIsNothingContradicted) {
  EXPECT_TRUE(check_claims(public_prices(), {}).empty());
  EXPECT_TRUE(check_claims(public_prices(), std::vector<claim>{{.who = "x"}}).empty());
}

}  // namespace
}  // namespace tandem
