#include <gtest/gtest.h>

#include <vector>

#include "actors/router/routing_policy.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

const std::vector<arm> arms{
    {"big", "large", 900}, {"huge", "large", 1'000}, {"mini", "small", 20}, {"nano", "small", 10}};

std::unique_ptr<routing_policy> make(std::string policy) {
  router_config config;
  config.policy = std::move(policy);
  config.plan_model = "huge";
  config.step_model = "mini";
  auto made = make_routing_policy(config);
  EXPECT_TRUE(made);
  return std::move(*made);
}

std::string_view chosen(routing_policy& policy, schema::Purpose purpose,
                        std::span<const arm> from = arms) {
  auto choice = policy.choose({.purpose = purpose}, from);
  EXPECT_LT(choice.arm, from.size());
  EXPECT_EQ(choice.propensity, 1.0);
  return from[choice.arm].model;
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
  const std::vector<arm> same{{"b", "small", 5}, {"a", "small", 5}, {"c", "small", 5}};
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
  auto made = make_routing_policy(config);
  ASSERT_FALSE(made);
  EXPECT_EQ(code_of(made.error()), errc::invalid_argument);
  auto why = message_of(made.error());
  for (auto word : {"guess", "fixed", "cheapest", "large_only"})
    EXPECT_NE(why.find(word), std::string::npos);
}

}  // namespace
}  // namespace tandem
