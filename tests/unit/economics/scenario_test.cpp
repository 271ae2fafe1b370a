#include "nodes/economics/scenario.hpp"

#include <gtest/gtest.h>

#include "tests/unit/economics/economics_testing.hpp"

namespace tandem {
namespace {

using test::public_pools;
using test::request_of;

scenario scenario_of(const std::string& text) {
  auto request = request_of(text);
  return scenario{request.inputs, [](const sourced_number& n) { return n.value; }};
}

TEST(Scenario, PublicMeasurementsGiveThePublishedArithmetic) {
  auto now = scenario_of(public_pools("qps = 1000\nlarge_share = 0.25"));
  EXPECT_NEAR(now.large_usd_per_1k(), 0.178, 0.0005);
  EXPECT_NEAR(now.small_usd_per_1k(), 0.0335, 0.00005);
  EXPECT_NEAR(now.saving_share(), 0.609, 0.0005);
  EXPECT_NEAR(1 - now.small_usd_per_1k() / now.large_usd_per_1k(), 0.811, 0.0005);
  EXPECT_NEAR(now.large_usd_per_1k() / now.small_usd_per_1k(), 5.3, 0.05);
  // A whole all-large service: 54 engines of four GPUs.
  EXPECT_NEAR(now.fleets().yearly_usd(now.fleets().baseline, 1000), 5.7e6, 0.05e6);
  EXPECT_EQ(now.fleets().engines(now.fleets().baseline[0], 1000), 54);
}

TEST(Scenario, TheBriefsPricesGiveTheBriefsBill) {
  auto now = scenario_of(
      "[workload]\nqps = 1000\nlarge_share = 0.25\n[large]\nprofile = \"brief:235b\"\n"
      "[small]\nprofile = \"brief:4b\"\n");
  EXPECT_NEAR(now.large_usd_per_1k(), 5.54, 1e-9);
  EXPECT_NEAR(now.small_usd_per_1k(), 0.042, 1e-9);
  // f = .25: $130M of $174.7M at 1,000 requests/s.
  EXPECT_NEAR(now.baseline_usd() * 1000 * 3600 * 8760, 174.7e6, 0.05e6);
  EXPECT_NEAR((now.baseline_usd() - now.job_usd()) * 1000 * 3600 * 8760, 130e6, 0.5e6);
}

TEST(Scenario, AJobCostsItsCalls) {
  auto now = scenario_of(public_pools(
      "shape = \"jobs\"\nqps = 10\nplan_calls = 1\nsteps = 8\nreplan = 0.1\nplan_hits = 0.5\n"
      "retry = 0.25\nescalate = 0.125\nchecks = 2\nright_large = 0.9"));
  // p(1 + rho)(1 - k) + s e, and p(1 + rho)k + s(1 + r) + n_v
  EXPECT_NEAR(now.large_calls(), 1.1 * 0.5 + 8 * 0.125, 1e-12);
  EXPECT_NEAR(now.small_calls(), 1.1 * 0.5 + 8 * 1.25 + 2, 1e-12);
  EXPECT_NEAR(now.baseline_calls(), 9, 1e-12);
  EXPECT_NEAR(
      now.job_usd(),
      (now.large_calls() * now.large_usd_per_1k() + now.small_calls() * now.small_usd_per_1k()) /
          1000,
      1e-15);
  EXPECT_NEAR(now.right_baseline_usd(), now.baseline_usd() / 0.9, 1e-15);
}

TEST(Scenario, PaybackAndReturnAreTheIdentityWithoutTimeToBuild) {
  for (double build : {1e5, 5e5, 3e6}) {
    auto now = scenario_of(
        public_pools("qps = 700\nlarge_share = 0.3",
                     "[costs]\nbuild_usd = " + std::to_string(build) +
                         "\nrunning_usd_year = 0\nbuild_months = 0\nmonths = 36\ndiscount = 0\n"));
    ASSERT_TRUE(now.payback_months());
    EXPECT_NEAR(*now.return_on_investment(), 12 * 3 / *now.payback_months() - 1, 1e-9);
    EXPECT_NEAR(now.net_present_value(), 3 * now.yearly_saving() - build, 1e-3);
  }
}

TEST(Scenario, AnApiIsPaidByTheCallAndHasNoEngines) {
  auto now = scenario_of(
      "[workload]\nqps = 2\ninput_tokens = 1000\noutput_tokens = 100\nlarge_share = 0.5\n"
      "[large]\ninput_price = 2.5\noutput_price = 10\n[small]\nusd_per_1k = 0.5\n");
  EXPECT_NEAR(now.large_usd_per_1k(), 3.5, 1e-12);
  EXPECT_NEAR(now.small_usd_per_1k(), 0.5, 1e-12);
  EXPECT_EQ(now.fleets().engines(now.fleets().baseline[0], 2), 0);
  EXPECT_NEAR(now.fleets().yearly_usd(now.fleets().baseline, 2), 2 * 0.0035 * 3600 * 8760, 1e-6);
}

}  // namespace
}  // namespace tandem
