#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "schema/errc.hpp"
#include "tests/unit/routing/evaluation_simulation.hpp"

namespace tandem {
namespace {

using simulation::draw_log;
using simulation::greedy_policy;
using simulation::population;
using simulation::synthetic;

const population& two_arms() {
  static const auto made = synthetic(2, 4'000);
  return made;
}

target_policy target(std::string_view name, std::span<const logged_decision> log) {
  auto made = target_policy::make(name, log, {});
  EXPECT_TRUE(made) << name;
  return std::move(*made);
}

target_policy other_line() {
  return target_policy::of(std::make_unique<greedy_policy>("other line", 0.02));
}

/// Mean errors of the estimates over some logs.
struct errors {
  double ips = 0;
  double snips = 0;
  double direct = 0;
  double doubly_robust = 0;
  double held = 0;
};

template <class Change>
errors mean_errors(const population& from, const target_policy& of, Change change, int logs = 30) {
  errors sum;
  auto worth = simulation::truth(from, of);
  for (int i = 1; i <= logs; ++i) {
    auto log = draw_log(from, 1'000, static_cast<std::uint64_t>(i));
    change(log, static_cast<std::uint64_t>(i));
    auto found = off_policy_evaluator{log, {}}.evaluate(of);
    sum.ips += (found.ips.value - worth) / logs;
    sum.snips += (found.snips.value - worth) / logs;
    sum.direct += (found.direct.value - worth) / logs;
    sum.doubly_robust += (found.doubly_robust.value - worth) / logs;
    sum.held +=
        (found.doubly_robust.low <= worth && worth <= found.doubly_robust.high) / double(logs);
  }
  return sum;
}

TEST(off_policy, EstimatesWhatAnotherPolicyIsWorth) {
  auto found = mean_errors(two_arms(), other_line(), [](auto&, auto) {});
  EXPECT_LT(std::abs(found.ips), 0.02);
  EXPECT_LT(std::abs(found.snips), 0.015);
  EXPECT_LT(std::abs(found.doubly_robust), 0.015);
  EXPECT_GE(found.held, 0.85);
}

TEST(off_policy, DoublyRobustStaysRightWhereTheModelIsBlind) {
  // Without features only the forecasts are left.
  auto found = mean_errors(two_arms(), other_line(), [](std::vector<logged_decision>& log, auto) {
    for (auto& d : log) d.dense.clear();
  });
  EXPECT_LT(std::abs(found.doubly_robust), 0.015);
}

TEST(off_policy, RewardsThatDoNotComeAreMissingNotZero) {
  // The dear arm's rewards come one time of three.
  auto found = mean_errors(two_arms(), other_line(),
                           [](std::vector<logged_decision>& log, std::uint64_t seed) {
                             std::mt19937_64 random{seed};
                             for (auto& d : log)
                               if (d.chosen == 1 && random() % 3 != 0) d.quality.reset();
                           });
  EXPECT_LT(std::abs(found.ips), 0.03);
  EXPECT_LT(std::abs(found.snips), 0.02);
  EXPECT_LT(std::abs(found.doubly_robust), 0.02);
}

TEST(off_policy, TheLoggedPolicyIsItsOwnMean) {
  auto log = draw_log(two_arms(), 500, 3);
  off_policy_evaluator evaluator{log, {}};
  auto found = evaluator.evaluate(target("logged", log));
  double quality = 0;
  double cost = 0;
  for (const auto& d : log) {
    quality += *d.quality / 500;
    for (const auto& a : d.arms) cost += a.propensity * a.cost / 500;
  }
  EXPECT_NEAR(found.ips.value, quality - 0.2 * cost, 1e-9);
  EXPECT_NEAR(found.snips.value, quality - 0.2 * cost, 1e-9);
  EXPECT_NEAR(found.cost, cost, 1e-9);
  EXPECT_NEAR(found.effective, 500, 1e-6);
  EXPECT_NEAR(found.gain.value, 0, 1e-12);
  EXPECT_NEAR(found.gain.high, 0, 1e-12);
  EXPECT_EQ(found.clipped, 0u);
}

TEST(off_policy, AlwaysOneModelCostsWhatItCosts) {
  auto log = draw_log(two_arms(), 300, 3);
  off_policy_evaluator evaluator{log, {}};
  for (auto name : {"always m1", "always:m1"}) {
    auto found = evaluator.evaluate(target(name, log));
    EXPECT_NEAR(found.cost, 1, 1e-12);
    EXPECT_NEAR(found.cost_nanousd, 1e6, 1e-6);
    EXPECT_NEAR(found.quality.value - 0.2, found.doubly_robust.value, 1e-9);
    EXPECT_EQ(found.unavailable, 0);
  }
}

TEST(off_policy, WeightsAreCutWhereAskedAndCounted) {
  auto log = draw_log(two_arms(), 400, 3);
  auto model = target("always m1", log);
  auto whole = off_policy_evaluator{log, {.clip = 1'000}}.evaluate(model);
  auto cut = off_policy_evaluator{log, {.clip = 2}}.evaluate(model);
  EXPECT_EQ(whole.clipped, 0u);
  EXPECT_GT(cut.clipped, 0u);
  EXPECT_NEAR(whole.largest_weight, 10, 1e-9);
  EXPECT_NEAR(cut.largest_weight, 2, 1e-9);
  EXPECT_GT(cut.effective, whole.effective);
  EXPECT_EQ((off_policy_evaluator{log, {}}.clip()), 20);
}

TEST(off_policy, SaysWhereTheLogCouldNotHaveMadeTheChoice) {
  auto log = draw_log(two_arms(), 200, 3, 0.0);
  off_policy_evaluator evaluator{log, {}};
  auto found = evaluator.evaluate(target("always m1", log));
  EXPECT_GT(found.unsupported, 0.1);
  ASSERT_FALSE(evaluator.notes().empty());
  EXPECT_NE(evaluator.notes()[0].find("without exploring"), std::string::npos);
}

TEST(off_policy, FollowsTheLogWhereTheModelWasNotOffered) {
  auto log = draw_log(two_arms(), 200, 3);
  for (std::size_t i = 0; i < 50; ++i) log[i].arms[1].model = "other";
  auto found = off_policy_evaluator{log, {}}.evaluate(target("always m1", log));
  EXPECT_NEAR(found.unavailable, 0.25, 1e-12);
}

TEST(off_policy, ALogWithoutRewardsOrOfOneDecisionIsNoAccident) {
  auto log = draw_log(two_arms(), 50, 3);
  for (auto& d : log) d.quality.reset();
  off_policy_evaluator evaluator{log, {}};
  auto found = evaluator.evaluate(target("always m1", log));
  EXPECT_EQ(found.effective, 0);
  EXPECT_TRUE(std::isfinite(found.doubly_robust.value));
  EXPECT_NE(evaluator.notes()[0].find("no decision has a reward"), std::string::npos);
  auto one = draw_log(two_arms(), 1, 3);
  auto alone = off_policy_evaluator{one, {}}.evaluate(target("logged", one));
  EXPECT_TRUE(std::isfinite(alone.snips.value));
  off_policy_evaluator empty{{}, {}};
  EXPECT_TRUE(std::isfinite(empty.evaluate(target("logged", {})).doubly_robust.value));
}

TEST(off_policy, PoliciesOfTheRouterActOnWhatWasLogged) {
  auto log = draw_log(two_arms(), 300, 3);
  off_policy_evaluator evaluator{log, {}};
  auto cheapest = evaluator.evaluate(target("cheapest", log));
  auto always = evaluator.evaluate(target("always m0", log));
  EXPECT_EQ(cheapest.doubly_robust.value, always.doubly_robust.value);
  EXPECT_EQ(evaluator.evaluate(target("large_only", log)).cost, 1);
}

TEST(off_policy, AnUnknownPolicyOrModelNamesThoseThereAre) {
  auto log = draw_log(two_arms(), 5, 3);
  auto policy = target_policy::make("guess", log, {});
  ASSERT_FALSE(policy);
  EXPECT_EQ(code_of(policy.error()), errc::invalid_argument);
  for (auto word : {"guess", "cheapest", "logged", "always MODEL", "m0, m1"})
    EXPECT_NE(message_of(policy.error()).find(word), std::string::npos) << word;
  auto model = target_policy::make("always gpt", log, {});
  ASSERT_FALSE(model);
  EXPECT_NE(message_of(model.error()).find("m0, m1"), std::string::npos);
}

TEST(quality_model, PredictsFromFeaturesBetterThanTheMean) {
  auto log = draw_log(two_arms(), 2'000, 5, 1.0);
  for (auto& d : log)
    for (auto& a : d.arms) a.deviation = 0;
  quality_model model{log, 5};
  double by_model = 0;
  double by_mean = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    by_model += std::pow(*log[i].quality - model.quality(i, log[i].chosen), 2);
    by_mean += std::pow(*log[i].quality - model.mean(i, log[i].chosen), 2);
  }
  EXPECT_LT(by_model, 0.97 * by_mean);
}

TEST(quality_model, FeaturesThatTellNothingDoNoHarm) {
  auto log = draw_log(two_arms(), 200, 5, 1.0);
  std::mt19937_64 random{1};
  std::normal_distribution<float> normal;
  for (auto& d : log) {
    d.dense.assign(100, 1);
    for (auto& f : d.dense) f = normal(random);
    for (auto& a : d.arms) a.deviation = 0;
  }
  quality_model model{log, 5};
  double by_model = 0;
  double by_mean = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    by_model += std::pow(*log[i].quality - model.quality(i, log[i].chosen), 2);
    by_mean += std::pow(*log[i].quality - model.mean(i, log[i].chosen), 2);
  }
  EXPECT_LT(by_model, 1.1 * by_mean);
}

TEST(quality_model, DoesNotLookAtFeaturesOfAnotherVersion) {
  auto log = draw_log(two_arms(), 100, 5);
  for (std::size_t i = 0; i < 10; ++i) log[i].feature_version = 99;
  for (std::size_t i = 10; i < 15; ++i) log[i].dense.resize(3);
  EXPECT_EQ((quality_model{log, 5}.without_features()), 15u);
}

}  // namespace
}  // namespace tandem
