#include "nodes/economics/assessment.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/economics/economics_testing.hpp"

namespace tandem {
namespace {

using test::assess_text;
using test::public_pools;
using testing::HasSubstr;

std::string reason_of(const std::string& text) {
  auto made = assess_text(text);
  return std::string{to_string(made.outcome.kind)} + ": " + std::string{made.outcome.reason};
}

TEST(Assessment, SavingFallsWithTheShareOfLargeCalls) {
  double last = 1e300;
  for (int f = 0; f <= 20; ++f) {
    auto made = assess_text(public_pools("qps = 2000\nlarge_share = " + std::to_string(f / 20.0)),
                            {.draws = 1});
    auto saving = *made.get("saving_share").value;
    EXPECT_LE(saving, last) << f;
    last = saving;
  }
  EXPECT_NEAR(last, 0, 1e-9);
}

TEST(Assessment, QuantilesAreInOrderAndTheSameEachTime) {
  const std::string text = "[workload]\nqps = { value = 60, low = 20, high = 300 }\n";
  auto made = assess_text(text);
  for (const auto& e : made.estimates) {
    if (!e.range) continue;
    EXPECT_LE(e.range->p10, e.range->p50) << e.name;
    EXPECT_LE(e.range->p50, e.range->p90) << e.name;
  }
  auto again = assess_text(text);
  for (const auto& e : made.estimates) {
    const auto& other = again.get(e.name);
    EXPECT_EQ(e.value, other.value) << e.name;
    ASSERT_EQ(e.range.has_value(), other.range.has_value()) << e.name;
    if (!e.range) continue;
    EXPECT_EQ(e.range->p90, other.range->p90) << e.name;
  }
}

TEST(Assessment, TagsAreThoseOfTheWorstInput) {
  auto made = assess_text(public_pools("qps = 100"));
  const auto& rate = made.get("large_requests_per_s");
  EXPECT_FALSE(rate.is_derived);
  EXPECT_EQ(rate.worst, number_kind::measured);
  EXPECT_EQ(made.get("yearly_saving_usd").worst, number_kind::assumed);
  auto said = [](const char* key, const char* value) {
    return std::string{key} + " = { value = " + value +
           ", kind = \"measured\", source = \"the bill\" }\n";
  };
  auto sure =
      assess_text("[workload]\n" + said("qps", "100") + said("large_share", "0.2") + "[large]\n" +
                  said("usd_per_1k", "4") + "[small]\n" + said("usd_per_1k", "0.5"));
  EXPECT_EQ(sure.get("large_usd_per_1k").worst, number_kind::assumed)
      << "the tokens are assumed, whatever they do here";
  auto surer = assess_text("[workload]\n" + said("qps", "100") + said("large_share", "0.2") +
                           said("input_tokens", "10") + said("output_tokens", "10") +
                           said("cache_hit", "0") + "[large]\n" + said("usd_per_1k", "4") +
                           "[small]\n" + said("usd_per_1k", "0.5"));
  EXPECT_EQ(surer.get("tandem_usd_per_1k").worst, number_kind::measured);
  EXPECT_TRUE(surer.get("tandem_usd_per_1k").is_derived);
}

TEST(Assessment, TheBreakEvenIsWhereTheVerdictOnTheYearTurns) {
  auto made = assess_text(public_pools("qps = 100\nlarge_share = 0.25"));
  auto even = *made.get("break_even_qps").value;
  ASSERT_GT(even, 0);
  auto saving_at = [](double qps) {
    return *assess_text(public_pools("large_share = 0.25\nqps = " + std::to_string(qps)),
                        {.draws = 1})
                .get("yearly_saving_usd")
                .value;
  };
  EXPECT_LT(saving_at(even * 0.9999), 0);
  EXPECT_GT(saving_at(even * 1.0001), 0);
}

TEST(Verdict, IsRecommendedWhereItSurelySaves) {
  EXPECT_EQ(reason_of(public_pools("qps = 1000\nlarge_share = 0.25")), "recommended: saving");
}

TEST(Verdict, SaysWhereItBreaksEven) {
  auto made = assess_text(public_pools("qps = 5\nlarge_share = 0.25"));
  EXPECT_EQ(made.outcome.kind, verdict_kind::not_recommended);
  EXPECT_EQ(made.outcome.reason, "below_break_even");
  EXPECT_THAT(made.outcome.text, HasSubstr("it breaks even at"));
  EXPECT_EQ(reason_of(public_pools("qps = 500\nlarge_share = 1")),
            "not recommended: no_break_even");
}

TEST(Verdict, SaysWhichMeasurementDecides) {
  // Of an API's bill: at .15 it pays, at .8 it does not.
  auto made = assess_text(
      "[workload]\nqps = 2.4\ninput_tokens = 900\noutput_tokens = 190\n"
      "right_tandem = 1\n[large]\ninput_price = 2.5\noutput_price = 10\n");
  EXPECT_EQ(made.outcome.kind, verdict_kind::not_recommended);
  ASSERT_FALSE(made.outcome.also.empty());
  EXPECT_THAT(made.outcome.also.front(),
              HasSubstr("\"share of calls that need the large model\" is below"));
  ASSERT_FALSE(made.deciding.empty());
  ASSERT_TRUE(made.deciding.front().turning);
  auto turning = *made.deciding.front().turning;
  EXPECT_GT(turning, 0.15);
  EXPECT_LT(turning, 0.8);
}

TEST(Verdict, IsAgainstItForEachReasonOfTheBrief) {
  auto base = [](const std::string& more) {
    return public_pools("qps = 1000\nlarge_share = 0.25", more);
  };
  EXPECT_EQ(reason_of(base("[limits]\nlatency_ms = 9\n")), "not recommended: latency");
  EXPECT_EQ(reason_of(base("[limits]\nlatency_ms = 1000\n")), "not recommended: latency");
  EXPECT_EQ(reason_of(base("[limits]\nroom_for_complexity = false\n")), "not recommended: no_room");
  EXPECT_EQ(reason_of(public_pools("qps = 0")), "not recommended: no_inference");
  EXPECT_EQ(reason_of(public_pools("qps = 1000\nright_large = 0.9\nright_small = 0.9")),
            "not recommended: one_model");
  EXPECT_EQ(
      reason_of("[workload]\nqps = 100\n[large]\nusd_per_1k = 1\n[small]\nusd_per_1k = 1.2\n"),
      "not recommended: small_not_cheaper");
  EXPECT_EQ(reason_of(public_pools("qps = 1000\nlarge_share = 0.9\nright_tandem = 0.5")),
            "not recommended: dearer_right_request");
  EXPECT_EQ(reason_of(base("[costs]\nmonths = 1\nbuild_usd = 5_000_000\n")),
            "not recommended: payback");
}

TEST(Verdict, AsksForCareForEachReasonOfTheBrief) {
  auto with = [](const std::string& workload, const std::string& more) {
    return public_pools(workload + "\nlarge_share = 0.25",
                        "[costs]\nrunning_usd_year = 10_000\nbuild_usd = 10_000\n"
                        "build_months = 0\n" +
                            more);
  };
  EXPECT_EQ(reason_of(with("qps = 1000", "[limits]\nextreme_consistency = true\n")),
            "careful: consistency");
  EXPECT_EQ(reason_of(with("qps = 1000", "months = 2\n")), "careful: short_run");
  EXPECT_EQ(reason_of("[workload]\nqps = 1000\nlarge_share = 0.96\nright_tandem = 1\n[large]\n"
                      "usd_per_1k = 5\n[small]\nusd_per_1k = 0.1\n"),
            "careful: all_complex");
  EXPECT_EQ(reason_of("[workload]\nqps = 45\nlarge_share = 0.25\nright_tandem = 1\n[large]\n"
                      "usd_per_1k = 0.2\n[small]\nusd_per_1k = 0.05\n[costs]\nbuild_usd = 10\n"
                      "running_usd_year = 90_000\n"),
            "careful: low_rate");
  EXPECT_EQ(reason_of("[workload]\nqps = 120\nlarge_share = 0.25\nright_tandem = 1\n[large]\n"
                      "usd_per_1k = 0.2\n[small]\nusd_per_1k = 0.05\n[costs]\nbuild_usd = 10\n"
                      "running_usd_year = 390_000\n"),
            "careful: near_break_even");
}

TEST(Verdict, AUncertainGainAsksForCareAndALikelyLossForMore) {
  auto at = [](const char* share) {
    return "[workload]\nqps = 100\nright_tandem = 1\nlarge_share = " + std::string{share} +
           "\n[large]\nusd_per_1k = 1\n[small]\nusd_per_1k = 0.1\n[costs]\n"
           "running_usd_year = 1_000_000\nbuild_usd = 100_000\n";
  };
  EXPECT_EQ(reason_of(at("{ value = 0.5, low = 0.3, high = 0.85 }")), "careful: uncertain");
  EXPECT_EQ(reason_of(at("{ value = 0.6, low = 0.59, high = 0.99 }")),
            "not recommended: likely_loss");
}

}  // namespace
}  // namespace tandem
