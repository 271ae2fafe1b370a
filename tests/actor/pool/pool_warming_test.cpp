// Engines whose prefix cache is cold are given what calls begin with, while they have nothing else
// to do.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class PoolWarming : public Pool {
 protected:
  void begin(std::uint64_t tokens = 20'000) {
    executor_pool_config config;
    config.cache.warm_up_tokens = tokens;
    executor_pool_services services;
    services.node = "a";
    // Where prefixes are cut is drawn by it, and seldom the last cut lies early in what they share.
    services.seed = 1;
    start_pool(config, services);
    caf::anon_send(caf::actor_cast<router_inside>(router_), wire_atom_v,
                   caf::actor_cast<engine_warmer_actor>(pool_));
    run();
  }
  engine_inside add(double prefill_rate = 0, std::chrono::milliseconds first = {}) {
    engine_config engine{.name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 4};
    engine.sim.cache_blocks = 10'000;
    engine.sim.prefill_rate = prefill_rate;
    engine.warm_first = first;
    return add_engine(engine);
  }
  /// The same engine, started anew.
  void restart(double prefill_rate = 0, std::chrono::milliseconds first = {}) {
    caf::anon_send_exit(engines_.at("tiny-1"), caf::exit_reason::kill);
    run();
    add(prefill_rate, first);
  }
  /// 4 KiB that all have in common, and an end of its own.
  static wish call(std::uint32_t number, const std::string& directive = {}) {
    std::string prompt;
    for (int i = 0; prompt.size() < 4096; ++i) prompt += "shared " + std::to_string(i) + ' ';
    return {.prompt = prompt + "question " + std::to_string(number) + directive, .tier = "small"};
  }
  void make_hot() {
    for (std::uint32_t number = 1; number <= 4; ++number) send(number, call(number));
  }
  std::uint64_t cached(std::uint32_t number) {
    return results_.at(number).read()->getUsage().getCachedPromptTokens();
  }
  tmsg::cachrpt command(schema::CacheAction action) {
    message_builder<schema::CacheCommand> out;
    out->setAction(action);
    caf::scoped_actor self{*system_};
    auto pending = self->request(pool_, caf::infinite, cache_atom_v, out.finish());
    run();
    tmsg::cachrpt report;
    pending.receive([&](const tmsg::cachrpt& reply) { report = reply; },
                    [](const caf::error& err) { FAIL() << message_of(err); });
    return report;
  }
  static tmsg::engupd update_to(const std::string& version) {
    message_builder<schema::EngineUpdate> order;
    order->setAction(schema::OrderAction::UPDATE);
    order->setVersion(version);
    order->setEpoch(1);
    auto options = order->initOptions();
    options.setDrainMs(1000);
    options.setLoadMs(1000);
    options.setPrompt("add 1 2");
    return order.finish();
  }
  struct warm_counts {
    std::string node;
    std::uint64_t replayed = 0;
    std::uint64_t used = 0;
    std::uint64_t wasted = 0;
    std::uint64_t tokens = 0;
    std::uint64_t known = 0;
  };
  warm_counts counts() {
    auto report = command(schema::CacheAction::STATS);
    auto reader = report.read();
    auto warm = reader->getWarm()[0];
    return {std::string{view(warm.getNode())},
            warm.getReplayed(),
            warm.getUsed(),
            warm.getWasted(),
            warm.getTokens(),
            warm.getKnown()};
  }
};

TEST_F(PoolWarming, AfterARestartTheFirstCallFindsItsPrefixCached) {
  begin();
  add();
  make_hot();
  restart();
  EXPECT_EQ(engine_status("tiny-1").read()->getRequests(), 0) << "warming is no request";
  send(10, call(10));
  ASSERT_EQ(code(10), errc::unknown);
  EXPECT_GE(cached(10), 900);
  auto warm = counts();
  EXPECT_EQ(warm.node, "a");
  EXPECT_EQ(warm.replayed, 1);
  EXPECT_EQ(warm.used, 1);
  EXPECT_EQ(warm.wasted, 0);
  EXPECT_GE(warm.tokens, 900);
  EXPECT_GT(warm.known, 10);
}

TEST_F(PoolWarming, WithoutABudgetItIsLeftCold) {
  begin(0);
  add();
  make_hot();
  restart();
  send(10, call(10));
  EXPECT_EQ(cached(10), 0);
  EXPECT_EQ(command(schema::CacheAction::STATS).read()->getWarm().size(), 0);
}

TEST_F(PoolWarming, OtherWeightsAreWarmedAndTheRouterKnowsIt) {
  begin();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  for (std::uint32_t number = 1; number <= 4; ++number) {
    send(number, call(number));
    one.answer({.text = "3"});
    run();
  }
  serve(one, "2");
  run();
  ASSERT_THAT(one.calls, SizeIs(1));
  auto sent = one.calls[0].attempt.read();
  EXPECT_EQ(sent->getPurpose(), schema::Purpose::WARM);
  EXPECT_EQ(sent->getMaxTokens(), 1);
  EXPECT_EQ(sent->getTenant().size(), 0);
  EXPECT_EQ(view(one.calls[0].decision.read()->getWeightVersion()), "2");
  // An engine that is added is warmed too, and is done first.
  auto& two = hold_engine("tiny-2", "tiny", "2");
  ASSERT_THAT(two.calls, SizeIs(1));
  two.answer({.text = "x", .prompt_tokens = 1000});
  run();
  send(10, call(10));
  ASSERT_THAT(two.calls, SizeIs(1)) << "equal otherwise, the first would have been chosen";
  EXPECT_EQ(two.calls[0].attempt.read()->getPurpose(), schema::Purpose::STEP);
}

TEST_F(PoolWarming, AnEngineThatIsToBeWarmFirstTakesNothingBefore) {
  begin();
  add(1000, 5s);
  EXPECT_EQ(engine_status("tiny-1").read()->getHealth(), schema::Health::HEALTHY)
      << "nothing is known to warm it with";
  make_hot();
  for (int i = 0; i < 60; ++i) pass(100ms);
  restart(1000, 5s);
  for (int i = 0; i < 5; ++i) pass(100ms);
  auto status = engine_status("tiny-1");
  EXPECT_EQ(status.read()->getHealth(), schema::Health::STARTING);
  EXPECT_TRUE(status.read()->getWarming());
  send(10, call(10));
  ASSERT_TRUE(answered(10));
  EXPECT_EQ(code(10), errc::unavailable) << "a second of reading is not over";
  for (int i = 0; i < 10; ++i) pass(100ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getHealth(), schema::Health::HEALTHY);
  send(11, call(11));
  for (int i = 0; i < 5; ++i) pass(100ms);
  ASSERT_EQ(code(11), errc::unknown) << error(11);
  EXPECT_GE(cached(11), 900);
}

TEST_F(PoolWarming, AnEngineThatIsToBeWarmFirstDoesNotWaitForLongerThanItIsTold) {
  begin();
  add(1000, 300ms);
  make_hot();
  for (int i = 0; i < 60; ++i) pass(100ms);
  restart(1000, 300ms);
  pass(200ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getHealth(), schema::Health::STARTING);
  pass(100ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getHealth(), schema::Health::HEALTHY);
}

TEST_F(PoolWarming, AChangeOfWeightsIsOverWhenTheyAreWarm) {
  begin();
  add(1000, 5s);
  make_hot();
  for (int i = 0; i < 60; ++i) pass(100ms);
  auto is_over = false;
  system_->spawn([&, update = update_to("2")](caf::event_based_actor* self) {
    self->request(engines_.at("tiny-1"), caf::infinite, weight_atom_v, update)
        .then([&](const tmsg::engupdd&) { is_over = true; });
  });
  run();
  for (int i = 0; i < 50 && !engine_status("tiny-1").read()->getWarming(); ++i) pass(20ms);
  EXPECT_EQ(view(engine_status("tiny-1").read()->getWeightVersion()), "2");
  EXPECT_FALSE(is_over);
  for (int i = 0; i < 15; ++i) pass(100ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getHealth(), schema::Health::HEALTHY);
  EXPECT_TRUE(is_over);
}

TEST_F(PoolWarming, AnEngineThatWentToOtherWeightsIsWarmBeforeTheFirstCall) {
  begin();
  add();
  make_hot();
  caf::anon_send(engines_.at("tiny-1"), weight_atom_v, update_to("2"));
  for (int i = 0; i < 20; ++i) pass(100ms);
  ASSERT_EQ(view(engine_status("tiny-1").read()->getWeightVersion()), "2");
  EXPECT_EQ(counts().replayed, 1);
  send(10, call(10));
  ASSERT_EQ(code(10), errc::unknown) << error(10);
  EXPECT_EQ(view(results_.at(10).read()->getWeightVersion()), "2");
  EXPECT_GE(cached(10), 900);
  EXPECT_EQ(counts().used, 1);
}

TEST_F(PoolWarming, ADrainDoesNotWaitForIt) {
  begin();
  add();
  make_hot();
  restart(1000);
  pass(10ms);
  ASSERT_EQ(engine_status("tiny-1").read()->getInFlight(), 1);
  caf::anon_send(engines_.at("tiny-1"), drain_atom_v, true);
  for (int i = 0; i < 5; ++i) pass(10ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getInFlight(), 0);
  EXPECT_EQ(counts().replayed, 0);
}

TEST_F(PoolWarming, NothingIsReplayedWhileThereIsWork) {
  begin();
  add();
  make_hot();
  send(5, call(5, R"( @sim {"ms":3000})"));
  command(schema::CacheAction::WARM);
  for (int i = 0; i < 4; ++i) pass(500ms);
  EXPECT_FALSE(answered(5));
  EXPECT_EQ(counts().replayed, 0);
  for (int i = 0; i < 4; ++i) pass(500ms);
  EXPECT_TRUE(answered(5));
  EXPECT_EQ(counts().replayed, 1);
}

TEST_F(PoolWarming, WorkThatComesStopsIt) {
  begin();
  add();
  make_hot();
  restart(1000);
  pass(10ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getInFlight(), 1) << "a second of reading";
  send(10, {.prompt = "add 1 2", .tier = "small"});
  for (int i = 0; i < 20; ++i) pass(10ms);
  EXPECT_TRUE(answered(10));
  EXPECT_EQ(code(10), errc::unknown);
  EXPECT_EQ(counts().replayed, 0);
  for (int i = 0; i < 300; ++i) pass(10ms);
  EXPECT_EQ(counts().replayed, 1) << "when it had time again";
}

TEST_F(PoolWarming, WhatNobodyUsesIsCountedAsWasted) {
  begin();
  add();
  make_hot();
  restart();
  EXPECT_EQ(counts().replayed, 1);
  pass(std::chrono::minutes{11});
  auto warm = counts();
  EXPECT_EQ(warm.used, 0);
  EXPECT_EQ(warm.wasted, 1);
}

TEST_F(PoolWarming, WhatUsuallyComesNextInAJobIsReadAhead) {
  begin();
  add();
  auto step = [](std::uint64_t job, const std::string& kind) {
    std::string prompt;
    for (int i = 0; prompt.size() < 4096; ++i) prompt += kind + ' ' + std::to_string(i) + ' ';
    return wish{
        .prompt = prompt + "of " + std::to_string(job), .tier = "small", .kind = kind, .job = job};
  };
  std::uint32_t number = 0;
  for (std::uint64_t job = 1; job <= 5; ++job)
    for (const char* kind : {"read", "write"}) send(++number, step(job, kind));
  EXPECT_EQ(counts().replayed, 0);
  pass(std::chrono::minutes{11});
  send(++number, step(6, "read"));
  for (int i = 0; i < 4; ++i) pass(500ms);
  EXPECT_EQ(counts().replayed, 1);
  send(++number, step(6, "write"));
  EXPECT_EQ(counts().used, 1);
}

TEST_F(PoolWarming, WhatIsNotToBeKeptIsNotRemembered) {
  begin();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  for (std::uint32_t number = 1; number <= 3; ++number) {
    message_builder<schema::Attempt> off;
    off.copy(*attempt(number, call(number)).read());
    off->setCache(schema::CacheUse::OFF);
    caf::anon_send(pool_, attempt_atom_v, off.finish(), chunk_sink{});
    run();
    one.answer({.text = "3"});
    run();
  }
  serve(one, "2");
  run();
  EXPECT_THAT(one.calls, IsEmpty());
}

}  // namespace
}  // namespace tandem::testing
