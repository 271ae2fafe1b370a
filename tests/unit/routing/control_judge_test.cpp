#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "actors/router/control/judge_audit.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// A judge that calls so many of the right and of the wrong results right; 70% are right.
judge_audit audited(double right_called_right, double wrong_called_right, int pairs,
                    std::uint64_t seed = 1) {
  judge_audit audit;
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<double> unit;
  for (int i = 0; i < pairs; ++i) {
    auto right = unit(random) < 0.7;
    audit.add(unit(random) < (right ? right_called_right : wrong_called_right), right);
  }
  return audit;
}

TEST(judge_audit, AJudgeThatAlwaysSaysRightCountsNothingAndIsNamed) {
  auto audit = audited(1, 1, 100);
  EXPECT_EQ(audit.standing(), judge_standing::does_not_tell);
  EXPECT_EQ(audit.weight(), 0);
  auto text = audit.sentence("arbiter");
  EXPECT_NE(text.find("judge 'arbiter'"), std::string::npos);
  EXPECT_NE(text.find("100% of wrong results right"), std::string::npos) << text;
  EXPECT_NE(text.find("does not tell right from wrong"), std::string::npos) << text;
}

TEST(judge_audit, SoDoesOneThatAlwaysSaysWrongOrTossesACoin) {
  for (double share : {0.0, 0.5}) {
    auto audit = audited(share, share, 600);
    EXPECT_EQ(audit.standing(), judge_standing::does_not_tell) << share;
    EXPECT_EQ(audit.weight(), 0) << share;
  }
}

TEST(judge_audit, AGoodJudgeCountsByHowGoodItIs) {
  auto good = audited(0.95, 0.1, 400);
  auto middling = audited(0.8, 0.4, 400);
  EXPECT_EQ(good.standing(), judge_standing::tells);
  EXPECT_EQ(middling.standing(), judge_standing::tells);
  EXPECT_NEAR(good.weight(), 0.85, 0.1);
  EXPECT_NEAR(middling.weight(), 0.4, 0.15);
  EXPECT_NE(good.sentence("j").find("tells right from wrong"), std::string::npos);
}

TEST(judge_audit, OneWorseThanACoinIsNotTurnedAround) {
  auto audit = audited(0.1, 0.9, 200);
  EXPECT_EQ(audit.standing(), judge_standing::does_not_tell);
  EXPECT_EQ(audit.weight(), 0);
}

TEST(judge_audit, NothingIsSaidAfterFewPairs) {
  judge_audit audit;
  EXPECT_EQ(audit.standing(), judge_standing::unknown);
  EXPECT_NEAR(audit.weight(), 0.5, 1e-12);
  EXPECT_NE(audit.sentence("j").find("not been compared"), std::string::npos);
  audit.add(true, true);
  audit.add(true, false);
  EXPECT_EQ(audit.standing(), judge_standing::unknown);
  EXPECT_NE(audit.sentence("j").find("too few"), std::string::npos);
}

TEST(judge_audit, ACoinSeldomPassesHoweverOftenOneLooks) {
  int passed = 0;
  for (int seed = 1; seed <= 200; ++seed)
    passed += audited(0.6, 0.6, 300, static_cast<std::uint64_t>(seed)).standing() ==
              judge_standing::tells;
  EXPECT_LE(passed, 6);
}

TEST(judge_audit, AJudgeThatGoesBlindIsFoundOut) {
  auto audit = audited(0.95, 0.1, 1'000);
  ASSERT_EQ(audit.standing(), judge_standing::tells);
  std::mt19937_64 random{5};
  for (int i = 0; i < 2'500; ++i) audit.add(true, std::bernoulli_distribution{0.7}(random));
  EXPECT_EQ(audit.standing(), judge_standing::does_not_tell);
}

TEST(judge_audit, GoesOnWhereItWasAndRefusesCountsThatCannotBe) {
  auto audit = audited(0.9, 0.2, 5'000);
  auto again = judge_audit::restore(audit.counts());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->weight(), audit.weight());
  const judge_counts broken[] = {{.right_as_right = -1},
                                 {.wrong_as_right = std::numeric_limits<double>::quiet_NaN()},
                                 {.right_as_wrong = std::numeric_limits<double>::infinity()},
                                 {.wrong_as_wrong = 1e6}};
  for (const auto& counts : broken) {
    auto restored = judge_audit::restore(counts);
    ASSERT_FALSE(restored);
    EXPECT_EQ(code_of(restored.error()), errc::corrupted);
  }
}

}  // namespace
}  // namespace tandem
