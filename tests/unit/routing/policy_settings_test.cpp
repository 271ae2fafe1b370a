#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "actors/router/route_trial.hpp"
#include "actors/router/routing_policy.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;

/// A dear one that is better, and a cheap one.
std::vector<arm> two_arms() {
  return {{.id = 0,
           .model = "mini",
           .tier = "small",
           .cost = 0.1,
           .cost_nanousd = 10,
           .expected = {.quality = 0.7, .deviation = 0.01, .mean = 0.7, .weight = 200}},
          {.id = 1,
           .model = "big",
           .tier = "large",
           .cost = 1,
           .cost_nanousd = 100,
           .expected = {.quality = 0.9, .deviation = 0.01, .mean = 0.9, .weight = 200}}};
}

double chance_of_the_dear_one(std::string_view policy, double price) {
  auto made = make_routing_policy(policy, router_config{});
  EXPECT_TRUE(made) << message_of(made.error());
  auto arms = two_arms();
  std::vector<arm_score> scores(arms.size());
  (*made)->weigh({.purpose = schema::Purpose::STEP, .cost_price = price}, arms, scores);
  return scores[1].propensity;
}

std::string name_of_policy(std::string_view text) {
  auto made = make_routing_policy(text, router_config{});
  return made ? std::string{(*made)->name()} : message_of(made.error());
}

tmsg::rtcmd try_of(std::string_view policy) {
  message_builder<schema::RouteCommand> out;
  out->setAction(schema::RouteAction::TRY);
  out->setPolicy(std::string{policy});
  return out.finish();
}

TEST(policy_settings, AWeightOfItsOwnGoesBeforeTheConfigs) {
  // The config's 0.2 is in the price of each call.
  EXPECT_LT(chance_of_the_dear_one("linear_thompson(cost_weight=1)", 0.2), 0.01);
  EXPECT_GT(chance_of_the_dear_one("linear_thompson(cost_weight=0)", 0.2), 0.99);
  EXPECT_LT(chance_of_the_dear_one("linear_thompson(cost_weight=0)", 1.2), 0.01)
      << "what a tenant's budget adds stays";
}

TEST(policy_settings, ExplorationOfItsOwnIsTheShareThatIsDrawn) {
  EXPECT_NEAR(chance_of_the_dear_one("auto(exploration=0.5,forced_pulls=0)", 50), 0.25, 1e-6);
  EXPECT_NEAR(chance_of_the_dear_one("auto(exploration=0)", 50), 0, 1e-6);
}

TEST(policy_settings, TheNameCarriesThemInOneForm) {
  EXPECT_EQ(name_of_policy("auto"), "auto");
  EXPECT_EQ(name_of_policy(" auto ( exploration = 0.050, cost_weight=.1 ) "),
            "auto(cost_weight=0.1,exploration=0.05)");
  EXPECT_EQ(name_of_policy(name_of_policy("auto(exploration=1e-3)")), "auto(exploration=0.001)");
}

TEST(policy_settings, WhatAPolicyDoesNotReadIsRefusedWithTheNearestThatItDoes) {
  EXPECT_THAT(name_of_policy("auto(exploratoin=0.1)"), HasSubstr("did you mean 'exploration'?"));
  EXPECT_THAT(name_of_policy("linear_ucb(exploration=0.1)"),
              HasSubstr("it has cost_weight, latency_weight"));
  EXPECT_THAT(name_of_policy("cheapest(cost_weight=1)"), HasSubstr("has no settings"));
  EXPECT_THAT(name_of_policy("outo(cost_weight=1)"), HasSubstr("is none of"));
}

TEST(policy_settings, ValuesAreWithinTheConfigsLimits) {
  for (auto text : {"auto(exploration=0.51)", "auto(exploration=-0.1)", "auto(exploration=nan)",
                    "auto(exploration=)", "auto(exploration=0.1x)", "auto(forced_pulls=1.5)",
                    "auto(cost_weight=inf)"})
    EXPECT_THAT(name_of_policy(text), HasSubstr("number from 0 to")) << text;
  EXPECT_THAT(name_of_policy("auto(cost_weight=1,cost_weight=2)"), HasSubstr("twice"));
}

TEST(policy_settings, WhatIsNoPolicyIsRefused) {
  for (auto text : {"auto(", "auto()", "auto)", "auto(exploration)", "auto(exploration=0.1",
                    "auto(exploration=0.1)x", "auto(exploration=0.1,)"})
    EXPECT_FALSE(make_routing_policy(text, router_config{})) << text;
  EXPECT_THAT(name_of_policy("auto(" + std::string(1 << 20, 'a') + ")"), HasSubstr("at most"));
  EXPECT_THAT(name_of_policy("auto(a\x1b[31m=1)"), HasSubstr("'a?[31m'"));
}

TEST(policy_settings, ATrialOfSettingsIsShownAndTakenUpAgainAfterARestart) {
  router_config config;
  config.policy = "auto";
  auto trial = route_trial::make(config);
  ASSERT_TRUE(trial);
  ASSERT_TRUE((*trial)->command(*try_of("auto(exploration=.10)").read(), 1));
  auto kept = (*trial)->setting();
  EXPECT_EQ(view(kept.read()->getCandidate()), "auto(exploration=0.1)");
  auto later = route_trial::make(config);
  ASSERT_TRUE(later);
  ASSERT_TRUE((*later)->restore(*kept.read(), 2));
  ASSERT_NE((*later)->candidate(), nullptr);
  EXPECT_EQ((*later)->candidate()->name(), "auto(exploration=0.1)");
}

TEST(policy_settings, TheSameSettingsInAnotherFormAreNoTrial) {
  router_config config;
  config.policy = "auto(exploration=0.1)";
  auto trial = route_trial::make(config);
  ASSERT_TRUE(trial);
  auto refused = (*trial)->command(*try_of("auto( exploration=0.10 )").read(), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(code_of(refused.error()), errc::conflict);
  EXPECT_EQ(code_of((*trial)->command(*try_of("auto(exploration=2)").read(), 1).error()),
            errc::invalid_argument);
}

}  // namespace
}  // namespace tandem
