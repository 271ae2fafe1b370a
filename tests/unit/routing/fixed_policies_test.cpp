#include <gtest/gtest.h>

#include <vector>

#include "actors/router/routing_policy.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

const std::vector<arm> arms{{.model = "big", .tier = "large", .cost_nanousd = 900},
                            {.model = "huge", .tier = "large", .cost_nanousd = 1'000},
                            {.model = "mini", .tier = "small", .cost_nanousd = 20},
                            {.model = "nano", .tier = "small", .cost_nanousd = 10}};

std::unique_ptr<routing_policy> make(std::string_view policy) {
  router_config config;
  config.plan_model = "huge";
  config.step_model = "mini";
  auto made = make_routing_policy(policy, config);
  EXPECT_TRUE(made);
  return std::move(*made);
}

std::string_view chosen(routing_policy& policy, schema::Purpose purpose,
                        std::span<const arm> from = arms) {
  std::vector<arm_score> scores(from.size());
  policy.weigh({.purpose = purpose}, from, scores);
  auto certain = std::find_if(scores.begin(), scores.end(),
                              [](const arm_score& s) { return s.propensity == 1; });
  EXPECT_NE(certain, scores.end());
  return from[static_cast<std::size_t>(certain - scores.begin())].model;
}

TEST(fixed_policies, CheapestTakesTheLargeTierForPlansOnly) {
  auto policy = make("cheapest");
  EXPECT_EQ(policy->name(), "cheapest");
  EXPECT_EQ(chosen(*policy, schema::Purpose::PLAN), "big");
  for (auto purpose : {schema::Purpose::STEP, schema::Purpose::COMPOSE, schema::Purpose::VERIFY,
                       schema::Purpose::ANSWER})
    EXPECT_EQ(chosen(*policy, purpose), "nano");
}

TEST(fixed_policies, CheapestPlansWithWhatThereIs) {
  auto policy = make("cheapest");
  EXPECT_EQ(chosen(*policy, schema::Purpose::PLAN, std::span{arms}.subspan(2)), "nano");
}

TEST(fixed_policies, TiesAreBrokenByName) {
  auto policy = make("cheapest");
  const std::vector<arm> same{{.model = "b", .tier = "small", .cost_nanousd = 5},
                              {.model = "a", .tier = "small", .cost_nanousd = 5},
                              {.model = "c", .tier = "small", .cost_nanousd = 5}};
  EXPECT_EQ(chosen(*policy, schema::Purpose::STEP, same), "a");
  EXPECT_EQ(chosen(*make("large_only"), schema::Purpose::STEP, same), "a");
}

TEST(fixed_policies, LargeOnlyTakesTheLargeTierForEverything) {
  auto policy = make("large_only");
  EXPECT_EQ(policy->name(), "large_only");
  for (auto purpose : {schema::Purpose::PLAN, schema::Purpose::STEP, schema::Purpose::COMPOSE})
    EXPECT_EQ(chosen(*policy, purpose), "big");
  EXPECT_EQ(chosen(*policy, schema::Purpose::STEP, std::span{arms}.subspan(2)), "nano");
}

TEST(fixed_policies, FixedTakesTheModelsThatAreNamed) {
  auto policy = make("fixed");
  EXPECT_EQ(policy->name(), "fixed");
  EXPECT_EQ(chosen(*policy, schema::Purpose::PLAN), "huge");
  EXPECT_EQ(chosen(*policy, schema::Purpose::STEP), "mini");
  EXPECT_EQ(chosen(*policy, schema::Purpose::COMPOSE), "mini");
}

TEST(fixed_policies, FixedFallsBackWithinTheTier) {
  auto policy = make("fixed");
  const std::vector<arm> rest{arms[0], arms[3]};
  EXPECT_EQ(chosen(*policy, schema::Purpose::PLAN, rest), "big");
  EXPECT_EQ(chosen(*policy, schema::Purpose::STEP, rest), "nano");
  // A step that climbed to the large tier: the fixed small model is none of the arms.
  EXPECT_EQ(chosen(*policy, schema::Purpose::STEP, std::span{arms}.first(2)), "big");
}

TEST(fixed_policies, AnUnknownPolicyNamesThoseThereAre) {
  router_config config;
  config.policy = "guess";
  auto made = make_routing_policy(config.policy, config);
  ASSERT_FALSE(made);
  EXPECT_EQ(code_of(made.error()), errc::invalid_argument);
  auto why = message_of(made.error());
  for (auto word : {"guess", "fixed", "cheapest", "large_only"})
    EXPECT_NE(why.find(word), std::string::npos);
}

}  // namespace
}  // namespace tandem
