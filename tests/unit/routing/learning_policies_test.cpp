#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "actors/router/routing_policy.hpp"

namespace tandem {
namespace {

std::vector<arm> three_arms() {
  return {{.id = 0,
           .model = "nano",
           .tier = "small",
           .cost = 0.1,
           .cost_nanousd = 10,
           .expected = {.quality = 0.6, .deviation = 0.05, .mean = 0.6, .weight = 200}},
          {.id = 1,
           .model = "mini",
           .tier = "small",
           .cost = 0.3,
           .cost_nanousd = 30,
           .expected = {.quality = 0.7, .deviation = 0.05, .mean = 0.7, .weight = 200}},
          {.id = 2,
           .model = "big",
           .tier = "large",
           .cost = 1,
           .cost_nanousd = 100,
           .expected = {.quality = 0.9, .deviation = 0.05, .mean = 0.9, .weight = 200}}};
}

std::vector<arm_score> weigh(std::string_view policy, const route_context& context,
                             const std::vector<arm>& arms) {
  auto made = make_routing_policy(policy, router_config{});
  EXPECT_TRUE(made);
  std::vector<arm_score> scores(arms.size());
  (*made)->weigh(context, arms, scores);
  return scores;
}

TEST(learning_policies, PropensitiesOfAllPoliciesSumToOne) {
  for (const auto& policy : routing_policies())
    for (double weight : {0.0, 3.0, 200.0})
      for (bool rewarded : {false, true})
        for (double price : {0.0, 0.3, 50.0}) {
          auto arms = three_arms();
          for (auto& a : arms) a.expected.weight = weight;
          auto scores = weigh(
              policy.name,
              {.purpose = schema::Purpose::STEP, .cost_price = price, .rewarded = rewarded}, arms);
          double sum = 0;
          for (const auto& s : scores) {
            EXPECT_GE(s.propensity, 0);
            EXPECT_TRUE(std::isfinite(s.score));
            sum += s.propensity;
          }
          EXPECT_NEAR(sum, 1, 1e-9) << policy.name;
        }
}

TEST(learning_policies, CascadeClimbsToTheNextDearerModelAfterEachFailure) {
  const std::vector<arm> mixed{three_arms()[2], three_arms()[0], three_arms()[1]};
  EXPECT_EQ(weigh("cascade", {.tries = 0}, mixed)[1].propensity, 1);
  EXPECT_EQ(weigh("cascade", {.tries = 1}, mixed)[2].propensity, 1);
  EXPECT_EQ(weigh("cascade", {.tries = 2}, mixed)[0].propensity, 1);
  EXPECT_EQ(weigh("cascade", {.tries = 9}, mixed)[0].propensity, 1);
}

TEST(learning_policies, AutoWithoutRewardsDoesAsCheapest) {
  auto arms = three_arms();
  for (auto& a : arms) a.expected = {};
  EXPECT_EQ(
      weigh("auto", {.purpose = schema::Purpose::STEP, .rewarded = false}, arms)[0].propensity, 1);
  EXPECT_EQ(
      weigh("auto", {.purpose = schema::Purpose::PLAN, .rewarded = false}, arms)[2].propensity, 1);
}

TEST(learning_policies, AutoExploresOnlyWhereARewardIsToBeExpected) {
  auto certain = weigh("auto", {.rewarded = false}, three_arms());
  EXPECT_EQ(certain[2].propensity, 1);
  for (const auto& s : weigh("auto", {.rewarded = true}, three_arms()))
    EXPECT_GE(s.propensity, 0.02 / 3 - 1e-9);
}

TEST(learning_policies, ADearerPriceTurnsTheChoiceWithoutANewReward) {
  EXPECT_GT(weigh("auto", {.cost_price = 0}, three_arms())[2].propensity, 0.9);
  EXPECT_GT(weigh("auto", {.cost_price = 2}, three_arms())[0].propensity, 0.9);
}

TEST(learning_policies, ANewArmGetsABoundedShareUntilItIsKnown) {
  auto arms = three_arms();
  arms[1].expected = {.quality = 0.01, .deviation = 0.01, .weight = 0};
  auto scores = weigh("auto", {}, arms);
  EXPECT_NEAR(scores[1].propensity, 0.2, 0.02);
  arms[1].expected.weight = 10;
  EXPECT_LT(weigh("auto", {}, arms)[1].propensity, 0.02);
}

TEST(learning_policies, ADemotedChoiceGivesWayToTheBestFixedArm) {
  route_context context;
  context.learned = {.best_fixed = 1, .demoted = true};
  EXPECT_GT(weigh("auto", context, three_arms())[1].propensity, 0.95);
  // Where that arm is not to be had, what was learned is still the best there is.
  context.learned.best_fixed = 77;
  EXPECT_GT(weigh("auto", context, three_arms())[2].propensity, 0.9);
}

TEST(learning_policies, ThompsonChoosesAsOftenAsAnArmIsTheBest) {
  auto arms = three_arms();
  arms.resize(2);
  // P(N(.7, .05) > N(.6, .05)) = Phi(.1 / .0707).
  auto scores = weigh("linear_thompson", {}, arms);
  EXPECT_NEAR(scores[1].propensity, 0.921, 0.01);
}

TEST(learning_policies, UcbPrefersWhatIsLessKnownAmongEquals) {
  auto arms = three_arms();
  for (auto& a : arms) a.expected = {.quality = 0.5, .deviation = 0.05, .mean = 0.5, .weight = 100};
  arms[1].expected.deviation = 0.2;
  arms[1].expected.weight = 5;
  EXPECT_EQ(weigh("ucb1", {}, arms)[1].propensity, 1);
  EXPECT_EQ(weigh("linear_ucb", {}, arms)[1].propensity, 1);
}

}  // namespace
}  // namespace tandem
