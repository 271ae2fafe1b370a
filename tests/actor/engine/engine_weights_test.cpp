// A simulated engine goes to other weights, in virtual time.

#include <map>

#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "tests/actor/engine/engine_fixture.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using namespace tandem::testing;
using schema::EnginePhase;
using schema::Health;
using schema::OrderAction;
using ::testing::HasSubstr;

class EngineWeights : public ::testing::Test {
 protected:
  EngineWeights() {
    settings_ = std::move(*system_config::make({.threads = 1}));
    settings_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*settings_);
    config_ = {.name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 2};
    config_.weight_version = "v1";
    config_.sim.load_time = 10s;
  }
  ~EngineWeights() override { stop(); }

  void stop() {
    for (const auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    run();
    actors_.clear();
    router_ = nullptr;
    engine_ = nullptr;
    run();
  }

  void start() {
    stop();
    std::vector<model_config> models{{.name = "tiny", .tier = "small"}};
    router_ = system_->spawn(router_behavior, router_start{.models = models});
    engine_ = system_->spawn(engine_behavior, config_, models[0],
                             caf::actor_cast<router_actor>(router_), backend_services{});
    actors_ = {caf::actor_cast<caf::actor>(router_), caf::actor_cast<caf::actor>(engine_)};
    run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }
  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    run();
  }
  void ask(const asked& how) {
    system_->spawn([this, number = how.number,
                    attempt = attempt_of(how)](caf::event_based_actor* self) {
      self->request(engine_, caf::infinite, attempt_atom_v, attempt, no_decision(), chunk_sink{})
          .then([this, number](const tmsg::attres& result) { results_.emplace(number, result); });
    });
    run();
  }
  void order(const ordered& how) {
    system_->spawn([this, update = order_of(how)](caf::event_based_actor* self) {
      self->request(engine_, caf::infinite, weight_atom_v, update)
          .then([this](const tmsg::engupdd& result) { updates_.push_back(result); });
    });
    run();
  }
  tmsg::engstat status() {
    caf::scoped_actor self{*system_};
    auto pending = self->request(engine_, caf::infinite, engine_atom_v);
    run();
    tmsg::engstat found;
    pending.receive([&](const tmsg::engstat& reply) { found = reply; },
                    [](const caf::error& err) { FAIL() << message_of(err); });
    return found;
  }
  /// Where the router sends a call of a job that holds this version; empty: nowhere.
  std::string routed(const std::string& pinned) {
    message_builder<schema::RouteQuery> query;
    query->setPurpose(schema::Purpose::STEP);
    query->setMaxTokens(8);
    if (!pinned.empty()) {
      auto pins = query->initPinnedVersions(1);
      pins[0].setModel("tiny");
      pins[0].setWeightVersion(pinned);
    }
    caf::scoped_actor self{*system_};
    auto pending = self->request(router_, caf::infinite, route_atom_v, query.finish(),
                                 attempt_of({.pinned = pinned}));
    run();
    std::string where;
    pending.receive([&](const tmsg::decisn& decision,
                        const engine_actor&) { where = view(decision.read()->getEngine()); },
                    [](const caf::error&) {});
    return where;
  }

  [[nodiscard]] errc code(std::uint32_t number) { return code_of_result(results_.at(number)); }
  [[nodiscard]] std::string text(std::uint32_t number) {
    return std::string{view(results_.at(number).read()->getText())};
  }
  [[nodiscard]] std::string error(const tmsg::engupdd& of) {
    return std::string{view(of.read()->getError().getMessage())};
  }

  std::unique_ptr<system_config> settings_;
  std::unique_ptr<caf::actor_system> system_;
  engine_config config_;
  router_inside router_;
  engine_inside engine_;
  std::vector<caf::actor> actors_;
  std::map<std::uint32_t, tmsg::attres> results_;
  std::vector<tmsg::engupdd> updates_;
};

TEST_F(EngineWeights, DrainsLoadsVerifiesAndServesTheNewVersion) {
  start();
  ask({.number = 1, .prompt = R"(@sim {"ms":400,"reply":"I am {version}"})"});
  order({});
  EXPECT_EQ(status().read()->getHealth(), Health::UPDATING);
  EXPECT_FALSE(status().read()->getHeld());
  EXPECT_EQ(routed(""), "");
  ask({.number = 2});
  EXPECT_EQ(code(2), errc::unavailable) << "it goes elsewhere";
  pass(400ms);
  EXPECT_EQ(text(1), "I am v1");
  EXPECT_EQ(view(results_.at(1).read()->getWeightVersion()), "v1");
  pass(9999ms);
  EXPECT_TRUE(updates_.empty());
  pass(1ms);
  ASSERT_EQ(updates_.size(), 1u);
  auto done = updates_[0].read();
  EXPECT_EQ(done->getError().getCode(), schema::Errc::UNKNOWN) << error(updates_[0]);
  EXPECT_EQ(done->getPhase(), EnginePhase::SERVING);
  EXPECT_EQ(view(done->getVersion()), "v2");
  EXPECT_EQ(done->getDrainUs(), 400'000u);
  EXPECT_EQ(done->getLoadUs(), 10'000'000u);
  EXPECT_EQ(done->getCutOff(), 0u);
  EXPECT_EQ(status().read()->getHealth(), Health::HEALTHY);
  EXPECT_EQ(view(status().read()->getWeightVersion()), "v2");
  EXPECT_EQ(status().read()->getBusyUs(), 400'000u);
  EXPECT_EQ(routed("v2"), "tiny-1");
  EXPECT_EQ(routed("v1"), "");
  ask({.number = 3});
  EXPECT_EQ(text(3), "[simulated, weights v2] hello");
  EXPECT_EQ(view(results_.at(3).read()->getWeightVersion()), "v2");
}

TEST_F(EngineWeights, AHeldOneTakesOnlyWhatHoldsItsVersion) {
  config_.concurrency = 1;
  start();
  ask({.number = 1, .prompt = R"(@sim {"ms":100})"});
  ask({.number = 2, .prompt = "waits", .pinned = "v1"});
  ask({.number = 3, .prompt = "waits too"});
  order({.action = OrderAction::HOLD});
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].read()->getError().getCode(), schema::Errc::UNKNOWN);
  auto now = status();
  EXPECT_EQ(now.read()->getHealth(), Health::UPDATING);
  EXPECT_TRUE(now.read()->getHeld());
  EXPECT_EQ(now.read()->getQueued(), 1u);
  EXPECT_EQ(code(3), errc::unavailable);
  EXPECT_EQ(routed(""), "");
  EXPECT_EQ(routed("v1"), "tiny-1");
  ask({.number = 4, .pinned = "v2"});
  EXPECT_EQ(code(4), errc::unavailable);
  pass(100ms);
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(code(2), errc::unknown);
  ask({.number = 5, .pinned = "v1"});
  EXPECT_EQ(code(5), errc::unknown);
  // Back to what it has, as when an update is stopped.
  order({.version = "v1"});
  EXPECT_EQ(status().read()->getHealth(), Health::HEALTHY);
  ask({.number = 6});
  EXPECT_EQ(code(6), errc::unknown);
}

TEST_F(EngineWeights, AnUpdateRefusesEvenWhatIsHeldAndWaits) {
  config_.concurrency = 1;
  start();
  order({.action = OrderAction::HOLD});
  ask({.number = 1, .prompt = R"(@sim {"ms":100})", .pinned = "v1"});
  ask({.number = 2, .pinned = "v1"});
  order({});
  EXPECT_EQ(code(2), errc::unavailable);
  EXPECT_EQ(results_.count(1), 0u);
  pass(100ms);
  EXPECT_EQ(code(1), errc::unknown);
}

TEST_F(EngineWeights, WhatNeverEndsIsCutOffAndIsNoFailureOfItsJob) {
  start();
  ask({.number = 1, .prompt = R"(@sim {"stall":true})"});
  ask({.number = 2, .prompt = R"(@sim {"ms":999})"});
  order({});
  pass(999ms);
  EXPECT_EQ(code(2), errc::unknown);
  pass(1ms);
  EXPECT_EQ(code(1), errc::unavailable);
  pass(10s);
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].read()->getPhase(), EnginePhase::SERVING);
  EXPECT_EQ(updates_[0].read()->getCutOff(), 1u);
  EXPECT_EQ(status().read()->getFailures(), 0u);
}

TEST_F(EngineWeights, EachWayToFailKeepsItGatedUntilItIsReleasedOrUpdated) {
  const std::map<std::string, EnginePhase> faults{
      {"refuse_load", EnginePhase::LOADING},   {"die_loading", EnginePhase::LOADING},
      {"never_loads", EnginePhase::LOADING},   {"refuse_flush", EnginePhase::FLUSHING},
      {"old_version", EnginePhase::VERIFYING}, {"no_output", EnginePhase::VERIFYING},
      {"wrong_output", EnginePhase::VERIFYING}};
  for (const auto& [fault, phase] : faults) {
    updates_.clear();
    results_.clear();
    config_.sim.weights_fault = fault;
    config_.sim.weights_fault_version = "v2";
    start();
    order({.prompt = R"(@sim {"reply":"12"})", .expected = "12"});
    pass(10s);
    pass(60s);
    ASSERT_EQ(updates_.size(), 1u) << fault;
    EXPECT_NE(updates_[0].read()->getError().getCode(), schema::Errc::UNKNOWN) << fault;
    EXPECT_EQ(updates_[0].read()->getPhase(), phase) << fault << ": " << error(updates_[0]);
    auto now = status();
    EXPECT_EQ(now.read()->getHealth(), Health::UPDATING) << fault;
    auto changes = now.read()->getChanges();
    EXPECT_THAT(std::string{view(changes[changes.size() - 1].getReason())}, HasSubstr("failed"));
    ask({.number = 1});
    EXPECT_EQ(code(1), errc::unavailable) << fault;
    // Back to what it had.
    order({.version = "v1", .epoch = 2});
    pass(10s);
    ASSERT_EQ(updates_.size(), 2u) << fault;
    EXPECT_EQ(updates_[1].read()->getPhase(), EnginePhase::SERVING)
        << fault << ": " << error(updates_[1]);
    ask({.number = 2});
    EXPECT_EQ(text(2), "[simulated, weights v1] hello") << fault;
  }
}

TEST_F(EngineWeights, TheFlushEmptiesThePrefixCache) {
  config_.sim.cache_blocks = 100;
  config_.sim.cache_block_tokens = 1;
  start();
  ask({.number = 1, .prompt = "a long enough prompt"});
  ask({.number = 2, .prompt = "a long enough prompt"});
  EXPECT_GT(results_.at(2).read()->getUsage().getCachedPromptTokens(), 0u);
  order({});
  pass(10s);
  ask({.number = 3, .prompt = "a long enough prompt"});
  EXPECT_EQ(results_.at(3).read()->getUsage().getCachedPromptTokens(), 0u);
}

TEST_F(EngineWeights, ADrainByHandComesBeforeAChangeOfWeights) {
  start();
  caf::anon_send(engine_, drain_atom_v, true);
  run();
  order({});
  pass(10s);
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].read()->getPhase(), EnginePhase::SERVING);
  EXPECT_EQ(status().read()->getHealth(), Health::DRAINING);
}

TEST_F(EngineWeights, AnUpdateThatNamesNoVersionIsWrong) {
  start();
  EXPECT_EQ(view(status().read()->getWeightsFixed()), "");
  order({.version = ""});
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].read()->getError().getCode(), schema::Errc::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace tandem
