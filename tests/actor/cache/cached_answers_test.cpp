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

TEST(CachedAnswers, ACommandReachesEveryNode) {
  cache_cluster nodes{3, one_tier()};
  nodes.introduce_all();
  std::string shared;
  for (int i = 0; shared.size() < 4096; ++i) shared += "shared " + std::to_string(i) + ' ';
  for (int i = 0; i < 4; ++i) {
    (void)nodes.ask(1, {.prompt = shared + std::to_string(i)});
    nodes.run();
  }
  ASSERT_EQ(nodes[1].engine.calls, 4u);
  auto before = nodes.stats(0);
  std::map<std::string, std::set<unsigned>> levels;
  for (auto level : before.read()->getLevels())
    levels[std::string{view(level.getNode())}].insert(level.getLevel());
  for (const char* node : {"n0", "n1", "n2"}) EXPECT_TRUE(levels[node].count(1)) << node;
  EXPECT_EQ(before.read()->getWarm().size(), 3u);
  auto after = nodes.stats(0, schema::CacheAction::WARM);
  EXPECT_EQ(after.read()->getMissing().size(), 0u);
  nodes.run();
  EXPECT_EQ(nodes[1].engine.calls, 5u) << "its engine was idle, and is warm now";
  EXPECT_EQ(nodes[0].engine.calls + nodes[2].engine.calls, 0u);
  auto begun = 0u;
  for (auto each : after.read()->getWarm()) begun += each.getBegun();
  EXPECT_EQ(begun, 1u);
  nodes.lose(0, 2);
  nodes.run();
  auto without = nodes.stats(0);
  EXPECT_EQ(without.read()->getWarm().size(), 2u);
  ASSERT_EQ(without.read()->getMissing().size(), 1u) << "it is gone, and has not said good-bye";
  EXPECT_EQ(view(without.read()->getMissing()[0]), "n2");
  nodes.introduce(0, 2);
  nodes.run();
  EXPECT_EQ(nodes.stats(0).read()->getMissing().size(), 0u);
  nodes.lose(0, 2);
  nodes.run();
  nodes.pass(61min);
  EXPECT_EQ(nodes.stats(0).read()->getMissing().size(), 0u) << "for an hour";
}

TEST(CachedAnswers, WhatWasAskedAndServedIsCountedByTenantAndModel) {
  cache_cluster nodes{2, one_tier()};
  nodes.introduce_all();
  for (std::size_t at : {0u, 0u, 1u}) {
    (void)nodes.ask(at, {.tenant = "acme"});
    nodes.run();
  }
  (void)nodes.ask(1, {.tenant = "beta"});
  nodes.run();
  struct row {
    std::uint64_t asked = 0;
    std::uint64_t hits = 0;
    std::int64_t saved = 0;
  };
  std::map<std::string, row> rows;
  auto report = nodes.stats(0);
  for (auto each : report.read()->getServed()) {
    auto& of = rows[std::string{view(each.getNode())} + ' ' + std::string{view(each.getTenant())} +
                    ' ' + std::string{view(each.getModel())}];
    of.asked += each.getAsked();
    for (auto hits : each.getHits()) of.hits += hits;
    of.saved += each.getSavedNanousd();
  }
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows["n0 acme tiny"].asked, 2u);
  EXPECT_EQ(rows["n0 acme tiny"].hits, 1u);
  EXPECT_EQ(rows["n0 acme tiny"].saved, 1000);
  EXPECT_EQ(rows["n1 acme tiny"].hits, 1u);
  EXPECT_EQ(rows["n1 beta tiny"].asked, 1u);
  EXPECT_EQ(rows["n1 beta tiny"].hits, 0u);
}

}  // namespace
}  // namespace tandem::testing
