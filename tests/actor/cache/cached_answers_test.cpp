// What caches do for attempts, on one node and on three.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cache_shard/attempt_key.hpp"
#include "actors/cache_shard/cache_entry.hpp"
#include "actors/clock.hpp"
#include "schema/text.hpp"
#include "tests/actor/cache/cache_cluster.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(CachedAnswers, AnEqualCallIsAnsweredOnEveryNodeWithoutAnEngine) {
  cache_cluster nodes{3, one_tier()};
  nodes.introduce_all();
  auto first = nodes.ask(0, {});
  nodes.run();
  EXPECT_EQ(nodes.level_of(first), 0u);
  EXPECT_THAT(nodes.reason_of(first), HasSubstr("nobody has asked this before"));
  for (std::size_t at : {0u, 1u, 2u}) {
    auto again = nodes.ask(at, {});
    nodes.run();
    EXPECT_EQ(nodes.text_of(again), nodes.text_of(first));
    EXPECT_NE(nodes.level_of(again), 0u);
    auto usage = nodes.result(again).read()->getUsage();
    EXPECT_EQ(usage.getCostNanousd(), 0);
    EXPECT_EQ(usage.getCalls(), 0u);
    EXPECT_EQ(usage.getCacheHits(), 1u);
    EXPECT_EQ(usage.getSavedNanousd(), 1000);
  }
  EXPECT_EQ(nodes.calls(), 1u);
}

TEST(CachedAnswers, ManyEqualCallsAtOnceAreOneCallOfAnEngine) {
  cache_cluster nodes{3, one_tier()};
  nodes.introduce_all();
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < 300; ++i) all.push_back(nodes.ask(i % 3, {}));
  nodes.run();
  for (auto number : all) ASSERT_TRUE(nodes.answered(number));
  EXPECT_EQ(nodes.calls(), 1u);
}

TEST(CachedAnswers, NoAnswerCrossesTenantCheckSamplingPurposeOrWeights) {
  cache_cluster nodes{1, one_tier()};
  (void)nodes.ask(0, {.tenant = "a"});
  nodes.run();
  std::vector<cached_wish> others{{.tenant = "b"},
                                  {.tenant = ""},
                                  {.tenant = "a", .check = "a|"},
                                  {.prompt = "add 1 2 ", .tenant = "a"},
                                  {.tenant = "a", .temperature = 0.5f},
                                  {.tenant = "a", .purpose = schema::Purpose::ANSWER}};
  for (const auto& each : others) {
    auto number = nodes.ask(0, each);
    nodes.run();
    EXPECT_EQ(nodes.level_of(number), 0u);
    EXPECT_EQ(nodes.text_of(number), nodes.expected(0, each));
  }
  nodes.roll("2");
  auto after = nodes.ask(0, {.tenant = "a"});
  nodes.run();
  EXPECT_EQ(nodes.text_of(after), "a|add 1 2|2");
  EXPECT_THAT(nodes.reason_of(after),
              HasSubstr("it is there for weights '1', and the engine has '2'"));
}

TEST(CachedAnswers, ATenantsTextCannotMakeAnothersKey) {
  cache_cluster nodes{1, one_tier()};
  (void)nodes.ask(0, {.prompt = "secret", .tenant = "a"});
  nodes.run();
  // As if fields were put together with what divides them.
  for (std::string prompt : {std::string{"a"} + '\0' + "secret", std::string{"a|secret"},
                             std::string{"\x01"} + "a" + "\x12" + "secret"}) {
    auto number = nodes.ask(0, {.prompt = prompt.c_str(), .tenant = ""});
    nodes.run();
    EXPECT_EQ(nodes.level_of(number), 0u);
  }
}

TEST(CachedAnswers, WhatFailedWasCutOrDidNotFitIsNotKept) {
  cache_cluster nodes{1, one_tier()};
  nodes[0].engine.fails = 1;
  nodes[0].engine.cuts = 1;
  nodes[0].engine.wrong = 1;
  for (int i = 0; i < 3; ++i) {
    (void)nodes.ask(0, {.check = "add"});
    nodes.run();
  }
  EXPECT_EQ(nodes[0].engine.calls, 3u);
  auto good = nodes.ask(0, {.check = "add"});
  nodes.run();
  EXPECT_EQ(nodes.level_of(good), 0u);
  auto again = nodes.ask(0, {.check = "add"});
  nodes.run();
  EXPECT_EQ(nodes.level_of(again), 1u);
}

TEST(CachedAnswers, ACallThatFailedBeforeIsComputedAnew) {
  cache_cluster nodes{1, one_tier()};
  (void)nodes.ask(0, {});
  nodes.run();
  auto second = nodes.ask(0, {.tries = 1});
  nodes.run();
  EXPECT_EQ(nodes.level_of(second), 0u);
  EXPECT_EQ(nodes.calls(), 2u);
}

TEST(CachedAnswers, AJobIsServedNothingOfOtherWeightsThanItBeganWith) {
  cache_cluster nodes{1, one_tier()};
  (void)nodes.ask(0, {.pinned = "1"});
  nodes.run();
  message_builder<schema::EngineStatus> status;
  status->setName("tiny-2");
  status->setModel("tiny");
  status->setHealth(schema::Health::HEALTHY);
  status->setConcurrency(10);
  status->setWeightVersion("2");
  status->setProfile(7);
  caf::anon_send(nodes[0].router, engine_atom_v, status.finish(),
                 caf::actor_cast<engine_actor>(nodes[0].engine_handle));
  nodes.run();
  auto ask = [&](const std::string& version, unsigned level) {
    nodes[0].engine.weights = version;
    auto number = nodes.ask(0, {.pinned = version});
    nodes.run();
    EXPECT_EQ(nodes.level_of(number), level) << version;
    EXPECT_EQ(view(nodes.result(number).read()->getWeightVersion()), version);
  };
  ask("1", 1);
  ask("2", 0);
  ask("2", 1);
  ask("1", 1);
  EXPECT_EQ(nodes.calls(), 2u);
}

TEST(CachedAnswers, AJobThatWantsNoCacheIsNotServedAndLeavesNothing) {
  cache_cluster nodes{1, one_tier()};
  auto first = nodes.ask(0, {.cache = schema::CacheUse::OFF});
  nodes.run();
  EXPECT_THAT(nodes.reason_of(first), HasSubstr("asks for no cache"));
  auto second = nodes.ask(0, {});
  nodes.run();
  EXPECT_EQ(nodes.level_of(second), 0u);
  auto anew = nodes.ask(0, {.cache = schema::CacheUse::REFRESH});
  nodes.run();
  EXPECT_EQ(nodes.level_of(anew), 0u);
  EXPECT_EQ(nodes.calls(), 3u);
}

TEST(CachedAnswers, AWaiterComputesWhereTheFirstHasFailed) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  for (std::size_t i : {0u, 1u}) nodes[i].engine.holds = true;
  auto first = nodes.ask(0, {});
  nodes.run();
  auto second = nodes.ask(1, {});
  nodes.run();
  EXPECT_EQ(nodes.calls(), 1u);
  nodes[0].engine.fails = 1;
  nodes.release(0);
  nodes.run();
  EXPECT_EQ(nodes.code_of_result(first), errc::engine_failed);
  nodes.release(1);
  nodes.run();
  ASSERT_TRUE(nodes.answered(second));
  EXPECT_EQ(nodes.text_of(second), nodes.expected(1, {}));
  EXPECT_EQ(nodes.calls(), 2u);
}

TEST(CachedAnswers, WhoIsCancelledGoesOnForThoseWhoWait) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  nodes[0].engine.holds = true;
  auto first = nodes.ask(0, {});
  nodes.run();
  auto second = nodes.ask(1, {});
  nodes.run();
  nodes.cancel(0, first);
  nodes.run();
  ASSERT_TRUE(nodes.answered(first));
  EXPECT_EQ(nodes.code_of_result(first), errc::cancelled);
  EXPECT_TRUE(nodes[0].engine.cancelled.empty());
  nodes.release(0);
  nodes.run();
  ASSERT_TRUE(nodes.answered(second));
  EXPECT_EQ(nodes.code_of_result(second), errc::unknown);
  EXPECT_EQ(nodes.calls(), 1u);
}

TEST(CachedAnswers, TheLastToLeaveCancels) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  nodes[0].engine.holds = true;
  auto first = nodes.ask(0, {});
  nodes.run();
  auto second = nodes.ask(1, {});
  nodes.run();
  nodes.cancel(0, first);
  nodes.run();
  nodes.cancel(1, second);
  nodes.run();
  EXPECT_EQ(nodes.code_of_result(second), errc::cancelled);
  EXPECT_EQ(nodes[0].engine.cancelled.size(), 1u);
}

TEST(CachedAnswers, WhoWaitsKeepsItsOwnDeadline) {
  cache_cluster nodes{1, one_tier()};
  nodes[0].engine.holds = true;
  auto first = nodes.ask(0, {});
  nodes.run();
  nodes.pass(30s);
  auto second = nodes.ask(0, {});
  nodes.run();
  nodes.pass(31s);
  nodes.pass(2s);
  ASSERT_TRUE(nodes.answered(first));
  EXPECT_EQ(nodes.code_of_result(first), errc::deadline_exceeded);
  nodes.release(0);
  nodes.run();
  ASSERT_TRUE(nodes.answered(second));
  EXPECT_EQ(nodes.code_of_result(second), errc::unknown);
}

TEST(CachedAnswers, AShardThatIsLostCostsOnlyItsMisses) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  // Some belong to either.
  for (int i = 0; i < 20; ++i) (void)nodes.ask(0, {.prompt = "p" + std::to_string(i)});
  nodes.run();
  nodes.kill_shard(1);
  nodes.lose(0, 1);
  nodes.run();
  std::uint64_t missed = 0;
  for (int i = 0; i < 20; ++i) {
    auto number = nodes.ask(0, {.prompt = "p" + std::to_string(i)});
    nodes.run();
    ASSERT_TRUE(nodes.answered(number));
    missed += nodes.level_of(number) == 0;
  }
  // The pool's own memory has them all.
  EXPECT_EQ(missed, 0u);
}

TEST(CachedAnswers, AShardThatSaysNothingIsDoneWithout) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  nodes.kill_shard(0);
  nodes.kill_shard(1);
  auto number = nodes.ask(0, {});
  nodes.run();
  EXPECT_FALSE(nodes.answered(number));
  nodes.pass(5100ms);
  ASSERT_TRUE(nodes.answered(number));
  EXPECT_EQ(nodes.text_of(number), nodes.expected(0, {}));
  EXPECT_THAT(nodes.reason_of(number), HasSubstr("did not answer in time"));
}

TEST(CachedAnswers, WhatIsPurgedIsGoneOnEveryNode) {
  cache_cluster nodes{3, one_tier()};
  nodes.introduce_all();
  for (std::size_t at : {0u, 1u, 2u})
    for (const char* tenant : {"a", "b"}) {
      (void)nodes.ask(at, {.tenant = tenant});
      nodes.run();
    }
  EXPECT_EQ(nodes.calls(), 2u);
  nodes.purge(1, "a");
  for (std::size_t at : {0u, 1u, 2u}) {
    auto kept = nodes.ask(at, {.tenant = "b"});
    nodes.run();
    EXPECT_NE(nodes.level_of(kept), 0u) << at;
  }
  auto purged = nodes.ask(0, {.tenant = "a"});
  nodes.run();
  EXPECT_EQ(nodes.level_of(purged), 0u);
  EXPECT_EQ(nodes.calls(), 3u);
}

TEST(CachedAnswers, ANodeThatWasAwayHearsOfAPurge) {
  cache_cluster nodes{2, one_tier()};
  (void)nodes.ask(1, {.tenant = "a"});
  nodes.run();
  nodes.purge(0, "a");
  nodes.introduce_all();
  auto purged = nodes.ask(1, {.tenant = "a"});
  nodes.run();
  EXPECT_EQ(nodes.level_of(purged), 0u);
}

TEST(CachedAnswers, APoisonedEntryIsDroppedAndCounted) {
  cache_cluster nodes{1, one_tier()};
  // The key of what will be asked, as anybody could compute it.
  auto first = nodes.ask(0, {.tenant = "a"});
  nodes.run();
  auto result = nodes.result(first).read();
  message_builder<schema::CacheEntry> poison;
  poison->setKey(result->getCache().getKey());
  poison->initScope().setTier("small");
  poison->getScope().setTenant("a");
  poison->getScope().setModel("tiny");
  poison->getScope().setWeightVersion("1");
  poison->getScope().setPurpose(schema::Purpose::STEP);
  poison->setCreatedMs(unix_ms());
  poison->setExpiresMs(unix_ms() + 60'000);
  poison->setResult(*result);
  poison->getResult().setText("poison");
  poison->setCrc(12345);
  nodes.fill(0, poison.finish());
  auto report = nodes.stats(0);
  std::uint64_t damaged = 0;
  for (auto level : report.read()->getLevels()) damaged += level.getDamaged();
  EXPECT_EQ(damaged, 1u);
  auto again = nodes.ask(0, {.tenant = "a"});
  nodes.run();
  EXPECT_EQ(nodes.text_of(again), nodes.expected(0, {.tenant = "a"}));
}

TEST(CachedAnswers, WhatLedToAWrongAnswerIsForgotten) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  for (double quality : {1.0, 0.0}) {
    auto number = nodes.ask(0, {});
    nodes.run();
    message_builder<schema::Reward> end;
    end->setSource(schema::RewardSource::JOB);
    end->setPurpose(schema::Purpose::STEP);
    end->setQuality(quality);
    end->setCacheKey(nodes.result(number).read()->getCache().getKey());
    caf::anon_send(nodes[0].pool, reward_atom_v, end.finish());
    nodes.run();
  }
  EXPECT_EQ(nodes.calls(), 1u);
  for (std::size_t at : {0u, 1u}) {
    auto again = nodes.ask(at, {});
    nodes.run();
    EXPECT_TRUE(nodes.answered(again));
  }
  EXPECT_EQ(nodes.calls(), 2u) << "computed anew, once";
}

TEST(CachedAnswers, APlanIsKeptOnceItsJobHasEndedWell) {
  cache_cluster nodes{1, one_tier()};
  cached_wish plan{.prompt = "a goal", .purpose = schema::Purpose::PLAN};
  auto first = nodes.ask(0, plan);
  nodes.run();
  auto second = nodes.ask(0, plan);
  nodes.run();
  EXPECT_EQ(nodes.level_of(second), 0u);
  message_builder<schema::Reward> end;
  end->setSource(schema::RewardSource::JOB);
  end->setPurpose(schema::Purpose::PLAN);
  end->setQuality(1);
  end->setCacheKey(nodes.result(first).read()->getCache().getKey());
  caf::anon_send(nodes[0].pool, reward_atom_v, end.finish());
  nodes.run();
  auto third = nodes.ask(0, plan);
  nodes.run();
  EXPECT_NE(nodes.level_of(third), 0u);
  EXPECT_EQ(nodes.calls(), 2u);
}

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

}  // namespace
}  // namespace tandem::testing
