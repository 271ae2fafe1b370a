// Plans of goals in other words: when they are served, and in which words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cache_shard/attempt_key.hpp"
#include "schema/text.hpp"
#include "tests/actor/cache/cache_cluster.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

cache_config near_tier() {
  cache_config config;
  // Some forty comparisons, instead of hundreds.
  config.max_error = 0.08;
  config.tiers.push_back(
      {.tier = "small", .memory_bytes = 16u << 20, .policy = "semantic_lru", .disk_bytes = 0});
  return config;
}

cached_wish goal(const std::string& words) {
  return {.prompt = words, .purpose = schema::Purpose::PLAN};
}

std::string sum_of(int i) {
  return std::to_string(100 + i) + " and " + std::to_string(500 + 3 * i);
}

/// The job of a plan has ended, and its answer was verified.
void verified(cache_cluster& nodes, std::uint32_t number, double quality) {
  message_builder<schema::Reward> end;
  end->setSource(schema::RewardSource::JOB);
  end->setPurpose(schema::Purpose::PLAN);
  end->setQuality(quality);
  end->setCacheKey(nodes.result(number).read()->getCache().getKey());
  caf::anon_send(nodes[0].pool, reward_atom_v, end.finish());
  nodes.run();
}

TEST(NearPlans, AGoalInOtherWordsGetsAPlanOnceItIsKnownHowOftenThatIsWrong) {
  cache_cluster nodes{1, near_tier()};
  nodes[0].engine.plans = true;
  int first_served = -1;
  for (int i = 0; i < 150; ++i) {
    auto plain =
        nodes.ask(0, goal("How much is the sum of the apples " + sum_of(i) + " in the baskets?"));
    nodes.run();
    verified(nodes, plain, 1);
    auto calls = nodes.calls();
    auto other =
        nodes.ask(0, goal("What is the sum of the apples " + sum_of(i) + " in the baskets?"));
    nodes.run();
    ASSERT_TRUE(nodes.answered(other));
    EXPECT_EQ(nodes.text_of(other), nodes.text_of(plain));
    if (nodes.level_of(other) == 0) continue;
    if (first_served < 0) {
      first_served = i;
      EXPECT_THAT(nodes.reason_of(other), HasSubstr("the plan of a near goal"));
      EXPECT_LE(nodes.calls(), calls + 1) << "at most the one that it is compared with";
    }
    // Numbers must match, however near the rest is.
    auto wrong = nodes.ask(
        0, goal("What is the sum of the apples " + sum_of(i + 1000) + " in the baskets?"));
    nodes.run();
    EXPECT_EQ(nodes.level_of(wrong), 0u);
  }
  EXPECT_GT(first_served, 20);
  ASSERT_GE(first_served, 0) << "none was served";
  // What is one tenant's is nobody else's.
  auto foreign = goal("What is the sum of the apples " + sum_of(first_served) + " in the baskets?");
  foreign.tenant = "other";
  auto number = nodes.ask(0, foreign);
  nodes.run();
  EXPECT_EQ(nodes.level_of(number), 0u);
}

TEST(NearPlans, OneThatIsOnlyComparedWithIsNoHit) {
  cache_cluster nodes{1, near_tier()};
  nodes[0].engine.plans = true;
  for (int i = 0; i < 10; ++i) {
    for (const char* words :
         {"How much is the sum of the apples ", "What is the sum of the apples "}) {
      auto number = nodes.ask(0, goal(words + sum_of(i) + " in the baskets?"));
      nodes.run();
      verified(nodes, number, 1);
    }
  }
  auto report = nodes.stats(0);
  std::uint64_t explored = 0;
  for (auto level : report.read()->getLevels()) {
    EXPECT_EQ(level.getHits(), 0u) << "level " << int{level.getLevel()};
    explored += level.getNear().getExplored();
  }
  EXPECT_GE(explored, 5u);
}

TEST(NearPlans, AreLookedForOnlyWhereWhatWasSaidBeforeIsTheSame) {
  auto key = [](const std::string& before, const std::string& last) {
    message_builder<schema::Attempt> attempt;
    attempt->setPurpose(schema::Purpose::PLAN);
    auto messages = attempt->initMessages(2);
    messages[0].setContent(before);
    messages[1].setContent(last);
    message_builder<schema::Decision> decision;
    decision->setModel("big");
    decision->setWeightVersion("1");
    return key_of(attempt->asReader(), decision->asReader());
  };
  auto one = key("you are an accountant", "plan the week");
  EXPECT_EQ(one.place, key("you are an accountant", "plan my week").place);
  EXPECT_NE(one.place, key("you are a cook", "plan the week").place);
  EXPECT_NE(one.key, key("you are a cook", "plan the week").key);
}

TEST(NearPlans, PlansThatAreNotTheSameAreNeverServedForEachOther) {
  cache_cluster nodes{1, near_tier()};
  // Without `plans` every answer has the goal's own words: none fits another goal.
  for (int i = 0; i < 120; ++i) {
    for (const char* words :
         {"How much is the sum of the apples ", "What is the sum of the apples "}) {
      auto number = nodes.ask(0, goal(words + sum_of(i) + " in the baskets?"));
      nodes.run();
      EXPECT_EQ(nodes.level_of(number), 0u);
      verified(nodes, number, 1);
    }
  }
}

/// Nodes where near plans are served already, and put into other words before.
class AdaptedPlans : public ::testing::Test {
 protected:
  AdaptedPlans() {
    nodes[0].engine.plans = true;
    nodes[0].engine.adapts = [this](const std::string& prompt) {
      prompts.push_back(prompt);
      return adapts(prompt);
    };
  }
  static cache_config config() {
    auto config = near_tier();
    config.adapt = "adapting";
    return config;
  }
  cached_wish plain(int i) const {
    auto what = goal("How much is the sum of the apples " + sum_of(i) + " in the baskets?");
    what.tier = "small";
    return what;
  }
  cached_wish other(int i) const {
    auto what = goal("What is the sum of the apples " + sum_of(i) + " in the baskets?");
    what.tier = "small";
    return what;
  }
  /// The number of one that was served; 0: none was.
  std::uint32_t serve_one() {
    for (; next < 400; ++next) {
      auto first = nodes.ask(0, plain(next));
      nodes.run();
      verified(nodes, first, 1);
      near = nodes.text_of(first);
      auto second = nodes.ask(0, other(next));
      nodes.run();
      if (nodes.level_of(second) == 0) continue;
      ++next;
      return second;
    }
    return 0;
  }

  /// In the place of a small model; of the plan that was in its prompt.
  std::function<std::string(const std::string&)> adapts = [](const std::string& prompt) {
    auto plan = prompt.substr(prompt.find('{'), prompt.rfind('}') - prompt.find('{') + 1);
    plan.replace(plan.find("add"), 3, "take together");
    return "Here it is: " + plan + " I hope it helps.";
  };
  std::vector<std::string> prompts;
  std::string near;
  int next = 0;
  cache_cluster nodes{1, config()};
};

TEST_F(AdaptedPlans, ASmallModelPutsThemIntoTheNewGoalsWordsAndIsPaidFor) {
  auto served = serve_one();
  ASSERT_NE(served, 0u);
  auto wanted = near;
  wanted.replace(wanted.find("add"), 3, "take together");
  EXPECT_EQ(nodes.text_of(served), wanted);
  EXPECT_THAT(nodes.reason_of(served), HasSubstr("in its words by mini"));
  ASSERT_FALSE(prompts.empty());
  EXPECT_THAT(prompts.back(), HasSubstr("What is the sum"));
  EXPECT_THAT(prompts.back(), HasSubstr("How much is the sum"));
  EXPECT_THAT(prompts.back(), HasSubstr(near));
  auto usage = nodes.result(served).read()->getUsage();
  EXPECT_EQ(usage.getCacheHits(), 1u);
  EXPECT_EQ(usage.getCalls(), 1u);
  EXPECT_EQ(usage.getCostNanousd(), 1000);
  EXPECT_EQ(usage.getSavedNanousd(), 1000);
  EXPECT_EQ(usage.getCostAllLargeNanousd(), 0) << "a call that the large tier would not have made";
  // Once its job ended well it is this goal's own plan.
  verified(nodes, served, 1);
  auto calls = nodes.calls();
  auto again = nodes.ask(0, other(next - 1));
  nodes.run();
  EXPECT_EQ(nodes.text_of(again), wanted);
  EXPECT_EQ(nodes.calls(), calls);
}

TEST_F(AdaptedPlans, WhatIsNoPlanOfTheSameStepsIsNotUsed) {
  adapts = [](const std::string&) { return std::string{R"({"steps":[]})"}; };
  auto served = serve_one();
  ASSERT_NE(served, 0u);
  EXPECT_EQ(nodes.text_of(served), near);
  EXPECT_THAT(nodes.reason_of(served), HasSubstr("its steps are others"));
  EXPECT_EQ(nodes.result(served).read()->getUsage().getCalls(), 1u) << "it was paid for";
}

TEST_F(AdaptedPlans, AModelThatCannotDoItIsAskedSeldomer) {
  adapts = [](const std::string&) { return std::string{"I cannot"}; };
  int served = 0;
  while (served < 40 && serve_one() != 0) ++served;
  ASSERT_EQ(served, 40);
  EXPECT_LE(nodes[0].engine.adapted, 6u);
}

TEST_F(AdaptedPlans, WithoutAnEngineForItTheyAreServedAsTheyAre) {
  message_builder<schema::EngineStatus> status;
  status->setName("mini-1");
  status->setModel("mini");
  status->setHealth(schema::Health::UNHEALTHY);
  caf::anon_send(nodes[0].router, engine_atom_v, status.finish(),
                 caf::actor_cast<engine_actor>(nodes[0].engine_handle));
  nodes.run();
  auto served = serve_one();
  ASSERT_NE(served, 0u);
  EXPECT_EQ(nodes.text_of(served), near);
  EXPECT_THAT(nodes.reason_of(served), HasSubstr("as it is, since it could not be adapted"));
}

TEST_F(AdaptedPlans, OneThatIsCancelledMeanwhileCancelsTheCall) {
  ASSERT_NE(serve_one(), 0u);
  auto first = nodes.ask(0, plain(next));
  nodes.run();
  verified(nodes, first, 1);
  auto before = nodes[0].engine.adapted;
  nodes[0].engine.holds = true;
  auto second = nodes.ask(0, other(next));
  nodes.run();
  ASSERT_EQ(nodes[0].engine.held.size(), 1u);
  nodes.cancel(0, second);
  nodes.run();
  EXPECT_EQ(nodes.code_of_result(second), errc::cancelled);
  EXPECT_EQ(nodes[0].engine.cancelled.size(), 1u);
  EXPECT_EQ(nodes[0].engine.held.size(), 0u);
  EXPECT_EQ(nodes[0].engine.adapted, before);
}

}  // namespace
}  // namespace tandem::testing
