#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "actors/router/control/trial_evidence.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Two arms; contexts shift which is better. The incumbent takes the small one where it is
/// predicted to be as good; the candidate draws its line elsewhere.
struct trial_world {
  double small = 0.6;
  double large = 0.85;
  double price = 0.2;
  /// How much the candidate moves the line.
  double line = 0.1;
  double exploration = 0.1;
  double share = 0;
  /// Predictions off by so much, always.
  double prediction_error = 0;
};

double clamp01(double q) {
  return std::clamp(q, 0.0, 1.0);
}

struct outcome {
  trial_verdict verdict = trial_verdict::wait;
  std::uint64_t decisions = 0;
};

/// Looks after every decision until there is a verdict or `decisions` are made.
outcome run(const trial_world& world, int decisions, std::uint64_t seed) {
  trial_evidence evidence{{.share = world.share}};
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<double> unit;
  for (int i = 0; i < decisions; ++i) {
    auto hard = unit(random) - 0.5;
    const double truth[2] = {clamp01(world.small - 0.6 * hard), clamp01(world.large - 0.2 * hard)};
    auto large_by = [&](double line) {
      auto greedy = truth[1] - world.price > truth[0] + line ? 1.0 : 0.0;
      return (1 - world.exploration) * greedy + world.exploration / 2;
    };
    auto incumbent = large_by(0);
    auto candidate = large_by(world.line);
    const trial_arm arms[2] = {
        {clamp01(truth[0] + world.prediction_error), 0.05, 1 - incumbent, 1 - candidate},
        {clamp01(truth[1] - world.prediction_error), 1, incumbent, candidate}};
    auto propensity = world.share * candidate + (1 - world.share) * incumbent;
    std::size_t chosen = unit(random) < propensity ? 1 : 0;
    auto quality = unit(random) < truth[chosen] ? 1.0 : 0.0;
    EXPECT_FALSE(evidence.add(arms, chosen, quality, world.price));
    auto verdict = evidence.verdict();
    if (verdict != trial_verdict::wait) return {verdict, evidence.sums().decisions};
  }
  return {trial_verdict::wait, evidence.sums().decisions};
}

/// Both policies draw their line at places that are worth the same, on different contexts.
outcome run_equal(double share, double prediction, int decisions, std::uint64_t seed) {
  trial_evidence evidence{{.share = share}};
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<double> unit;
  for (int i = 0; i < decisions; ++i) {
    auto even = unit(random) < 0.5;
    auto incumbent = even ? 0.95 : 0.05;
    auto candidate = 1 - incumbent;
    const trial_arm arms[2] = {{prediction, 0.5, 1 - incumbent, 1 - candidate},
                               {1 - prediction, 0.5, incumbent, candidate}};
    auto propensity = share * candidate + (1 - share) * incumbent;
    std::size_t chosen = unit(random) < propensity ? 1 : 0;
    auto quality = unit(random) < 0.7 ? 1.0 : 0.0;
    EXPECT_FALSE(evidence.add(arms, chosen, quality, 0.2));
    if (evidence.verdict() != trial_verdict::wait) break;
  }
  return {evidence.verdict(), evidence.sums().decisions};
}

TEST(trial_evidence, LookingAfterEachDecisionPromotesAnEqualSeldom) {
  constexpr int runs = 400;
  for (double share : {0.0, 0.1, 0.5}) {
    for (double prediction : {0.7, 0.2}) {
      int promoted = 0;
      int rolled_back = 0;
      for (int seed = 1; seed <= runs; ++seed) {
        auto verdict =
            run_equal(share, prediction, 1'000, static_cast<std::uint64_t>(seed)).verdict;
        promoted += verdict == trial_verdict::promote;
        rolled_back += verdict == trial_verdict::rollback;
      }
      EXPECT_LE(promoted, runs / 20) << "share " << share << ", prediction " << prediction;
      EXPECT_LE(rolled_back, runs / 20) << "share " << share << ", prediction " << prediction;
    }
  }
}

TEST(trial_evidence, ABetterCandidateIsPromotedInShadowAndOnAShare) {
  // The incumbent pays for the large model where it is not worth it.
  for (double share : {0.0, 0.2}) {
    int promoted = 0;
    int rolled_back = 0;
    for (int seed = 1; seed <= 100; ++seed) {
      trial_world world{.small = 0.8, .large = 0.85, .price = 0.2, .share = share};
      trial_evidence evidence{{.share = share}};
      std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
      std::uniform_real_distribution<double> unit;
      for (int i = 0; i < 5'000 && evidence.verdict() == trial_verdict::wait; ++i) {
        const trial_arm arms[2] = {{0.7, 0.05, 0.2, 0.9}, {0.8, 1, 0.8, 0.1}};
        auto large = share * 0.1 + (1 - share) * 0.8;
        std::size_t chosen = unit(random) < large ? 1 : 0;
        auto quality = unit(random) < (chosen == 1 ? world.large : world.small) ? 1.0 : 0.0;
        ASSERT_FALSE(evidence.add(arms, chosen, quality, world.price));
      }
      promoted += evidence.verdict() == trial_verdict::promote;
      rolled_back += evidence.verdict() == trial_verdict::rollback;
    }
    EXPECT_GE(promoted, 95) << share;
    EXPECT_EQ(rolled_back, 0) << share;
  }
}

TEST(trial_evidence, AHarmfulCandidateOnAShareIsRolledBackAfterFewDecisions) {
  std::uint64_t sum = 0;
  for (int seed = 1; seed <= 100; ++seed) {
    trial_evidence evidence{{.share = 0.2}};
    std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
    std::uniform_real_distribution<double> unit;
    while (evidence.verdict() == trial_verdict::wait && evidence.sums().decisions < 2'000) {
      // Predictions see no difference; the candidate's choice fails always.
      const trial_arm arms[2] = {{0.8, 0.05, 0.02, 0.98}, {0.8, 0.05, 0.98, 0.02}};
      std::size_t chosen = unit(random) < 0.2 * 0.98 + 0.8 * 0.02 ? 0 : 1;
      auto quality = chosen == 1 && unit(random) < 0.8 ? 1.0 : 0.0;
      ASSERT_FALSE(evidence.add(arms, chosen, quality, 0.2));
    }
    ASSERT_EQ(evidence.verdict(), trial_verdict::rollback);
    sum += evidence.sums().decisions;
  }
  // Of which a fifth went to the candidate.
  EXPECT_LT(sum / 100, 80u);
}

TEST(trial_evidence, WrongPredictionsDoNotPromoteAWorseCandidate) {
  for (double share : {0.0, 0.2}) {
    int promoted = 0;
    for (int seed = 1; seed <= 100; ++seed) {
      // Predictions praise the small model; the candidate follows them further than is good.
      trial_world world{.line = 0.3, .share = share, .prediction_error = 0.3};
      promoted +=
          run(world, 2'000, static_cast<std::uint64_t>(seed)).verdict == trial_verdict::promote;
    }
    EXPECT_LE(promoted, 5) << share;
  }
}

TEST(trial_evidence, ThePriceOfCostCounts) {
  trial_evidence evidence{{}};
  const trial_arm arms[2] = {{0.5, 0, 0.5, 1}, {0.5, 1, 0.5, 0}};
  ASSERT_FALSE(evidence.add(arms, 0, 0.5, 0.4));
  EXPECT_NEAR(evidence.bounds().difference, 0.2, 1e-12);
}

TEST(trial_evidence, ARunOfEqualDecisionsProvesNothing) {
  trial_evidence evidence{{.promote_min = 1, .rollback_min = 1}};
  const trial_arm arms[2] = {{1, 0, 0.9, 0.8}, {1, 0, 0.1, 0.2}};
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(evidence.add(arms, 0, 1, 0));
  EXPECT_EQ(evidence.verdict(), trial_verdict::wait);
  EXPECT_GT(evidence.bounds().high, evidence.bounds().low);
}

TEST(trial_evidence, WhatCuttingHidesWidensTheBounds) {
  trial_evidence cut{{.promote_min = 1, .weight_max = 5}};
  trial_evidence whole{{.promote_min = 1, .weight_max = 1'000}};
  const trial_arm arms[2] = {{0.9, 0, 0.02, 1}, {0.1, 0, 0.98, 0}};
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_FALSE(cut.add(arms, i % 50 == 0 ? 0 : 1, i % 50 == 0 ? 0.9 : 0.1, 0));
    ASSERT_FALSE(whole.add(arms, i % 50 == 0 ? 0 : 1, i % 50 == 0 ? 0.9 : 0.1, 0));
  }
  EXPECT_EQ(cut.sums().clipped, 400u);
  EXPECT_EQ(whole.verdict(), trial_verdict::promote);
  // Nine tenths of what the candidate would do was never seen often enough.
  EXPECT_EQ(cut.verdict(), trial_verdict::wait);
}

TEST(trial_evidence, AnArmThatTheIncumbentNeverTriesIsNeverPromotedInShadow) {
  trial_evidence evidence{{}};
  // Predicted to be splendid, and nobody knows.
  const trial_arm arms[2] = {{1, 0, 0, 1}, {0.1, 1, 1, 0}};
  for (int i = 0; i < 5'000; ++i) ASSERT_FALSE(evidence.add(arms, 1, i % 10 == 0, 0));
  EXPECT_EQ(evidence.verdict(), trial_verdict::wait);
}

TEST(trial_evidence, NonsenseIsRefusedAndNotCounted) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  trial_evidence evidence{{}};
  const std::vector<trial_arm> good{{0.5, 0, 0.5, 1}, {0.5, 1, 0.5, 0}};
  auto refused = [&](std::vector<trial_arm> arms, std::size_t chosen, double quality,
                     double price) {
    auto err = evidence.add(arms, chosen, quality, price);
    return err && code_of(err) == errc::invalid_argument;
  };
  auto with = [&](auto change) {
    auto arms = good;
    change(arms[0]);
    return arms;
  };
  EXPECT_TRUE(refused({}, 0, 1, 0));
  EXPECT_TRUE(refused(good, 2, 1, 0));
  EXPECT_TRUE(refused(good, 0, 1.5, 0));
  EXPECT_TRUE(refused(good, 0, nan, 0));
  EXPECT_TRUE(refused(good, 0, 1, nan));
  EXPECT_TRUE(refused(good, 0, 1, -1));
  EXPECT_TRUE(refused(with([&](trial_arm& a) { a.quality = nan; }), 0, 1, 0));
  EXPECT_TRUE(refused(with([&](trial_arm& a) { a.cost = -1; }), 0, 1, 0));
  EXPECT_TRUE(refused(with([&](trial_arm& a) { a.incumbent = 0.7; }), 0, 1, 0));
  EXPECT_TRUE(refused(with([&](trial_arm& a) { a.candidate = -0.2; }), 0, 1, 0));
  // In shadow only the incumbent chooses.
  EXPECT_TRUE(refused({{0.5, 0, 0, 1}, {0.5, 1, 1, 0}}, 0, 1, 0));
  EXPECT_EQ(evidence.sums().decisions, 0u);
  EXPECT_EQ(evidence.verdict(), trial_verdict::wait);
}

TEST(trial_evidence, GoesOnWhereItWas) {
  trial_evidence evidence{{.share = 0.2}};
  const trial_arm arms[2] = {{0.5, 0, 0.5, 1}, {0.5, 1, 0.5, 0}};
  for (int i = 0; i < 50; ++i) ASSERT_FALSE(evidence.add(arms, i % 2, i % 3 == 0, 0.1));
  auto again = trial_evidence::restore(evidence.config(), evidence.sums());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->bounds().low, evidence.bounds().low);
  EXPECT_EQ(again->bounds().high, evidence.bounds().high);
}

TEST(trial_evidence, RefusesSumsThatCannotBe) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const trial_sums broken[] = {
      {.decisions = 1, .mean = nan},    {.decisions = 1, .squares = -1},
      {.decisions = 1, .factors = nan}, {.decisions = 1, .surprises = 2},
      {.decisions = 1, .clipped = 2},   {.mean = 1},
      {.decisions = 1, .mean = 1e9},    {.decisions = 1, .unverified = 3},
  };
  for (const auto& sums : broken) {
    auto restored = trial_evidence::restore({}, sums);
    ASSERT_FALSE(restored);
    EXPECT_EQ(code_of(restored.error()), errc::corrupted);
  }
}

}  // namespace
}  // namespace tandem
