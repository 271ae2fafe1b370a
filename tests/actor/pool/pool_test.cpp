// The way of an attempt through pool, router and a simulated engine. Time moves when the test says
// so.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

struct wish {
  std::string prompt = "add 1 2";
  std::int8_t priority = 0;
  std::uint64_t timeout_ms = 60'000;
  std::string tier;
  std::string check_kind;
};

class Pool : public ::testing::Test {
 protected:
  Pool() {
    config_ = std::move(*system_config::make({.threads = 1}));
    config_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*config_);
    models_ = {{.name = "big", .tier = "large", .input_price = 10, .output_price = 10},
               {.name = "tiny", .tier = "small", .input_price = 1, .output_price = 1}};
  }

  ~Pool() override {
    for (const auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    scheduler().run();
    actors_.clear();
    router_ = nullptr;
    pool_ = nullptr;
    engines_.clear();
    scheduler().run();
  }

  void start(executor_pool_config config = {}, std::uint32_t concurrency = 4) {
    router_ = system_->spawn(router_behavior, router_config{}, models_, std::uint64_t{7} << 32);
    pool_ = system_->spawn(executor_pool_behavior, config, router_);
    actors_ = {caf::actor_cast<caf::actor>(router_), caf::actor_cast<caf::actor>(pool_)};
    for (const auto& model : models_) {
      engine_config engine{.name = model.name + "-1",
                           .kind = "sim",
                           .model = model.name,
                           .concurrency = concurrency};
      auto handle = system_->spawn(engine_behavior, engine, model, router_, backend_services{});
      engines_.emplace(engine.name, handle);
      actors_.push_back(caf::actor_cast<caf::actor>(handle));
    }
    scheduler().run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }
  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    run();
  }

  static tmsg::attempt attempt(std::uint32_t number, const wish& how) {
    message_builder<schema::Attempt> out;
    out->initFence().getJob().setNumber(1);
    out->getFence().setStep(number);
    out->getFence().setAttempt(number);
    out->setPurpose(schema::Purpose::STEP);
    auto message = out->initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent(how.prompt);
    out->setMaxTokens(64);
    out->setPriority(how.priority);
    out->setTimeoutMs(how.timeout_ms);
    out->setTier(how.tier);
    if (!how.check_kind.empty()) out->initCheck().setKind(how.check_kind);
    return out.finish();
  }

  void send(std::uint32_t number, const wish& how = {}) {
    auto asker = system_->spawn(
        [this, number, request = attempt(number, how)](caf::event_based_actor* self) {
          self->request(pool_, caf::infinite, attempt_atom_v, request, chunk_sink{})
              .then([this, number](const tmsg::attres& result) {
                order_.push_back(number);
                results_.emplace(number, result);
              });
        });
    static_cast<void>(asker);
    run();
  }

  void cancel(std::uint32_t number) {
    message_builder<schema::Cancel> out;
    out->setFence(attempt(number, {}).read()->getFence());
    caf::anon_send(pool_, cancel_atom_v, out.finish());
    run();
  }

  [[nodiscard]] bool answered(std::uint32_t number) const { return results_.count(number) != 0; }
  [[nodiscard]] errc code(std::uint32_t number) const {
    auto found = results_.find(number);
    return found == results_.end() ? errc::internal
                                   : static_cast<errc>(found->second.read()->getError().getCode());
  }
  [[nodiscard]] std::string error(std::uint32_t number) const {
    return std::string{view(results_.at(number).read()->getError().getMessage())};
  }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<model_config> models_;
  router_actor router_;
  executor_pool_inside pool_;
  std::map<std::string, engine_inside> engines_;
  std::vector<caf::actor> actors_;
  std::map<std::uint32_t, tmsg::attres> results_;
  std::vector<std::uint32_t> order_;
};

TEST_F(Pool, AnswersWithWhoDidItAndWhatItCost) {
  start();
  send(1, {.prompt = "add 1 2 @sim {\"reply\":\"3\"}"});
  ASSERT_TRUE(answered(1));
  auto result = results_.at(1).read();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(view(result->getText()), "3");
  EXPECT_EQ(view(result->getModel()), "tiny");
  EXPECT_EQ(view(result->getEngine()), "tiny-1");
  EXPECT_NE(result->getDecision(), 0u);
  EXPECT_TRUE(result->getSimulated());
  EXPECT_GT(result->getUsage().getCostNanousd(), 0);
  EXPECT_EQ(result->getUsage().getCostAllLargeNanousd(), 10 * result->getUsage().getCostNanousd());
}

TEST_F(Pool, TakesTheTierThatIsAskedFor) {
  start();
  send(1, {.tier = "large"});
  EXPECT_EQ(view(results_.at(1).read()->getModel()), "big");
}

TEST_F(Pool, RefusesATierThatDoesNotExist) {
  start();
  send(1, {.tier = "huge"});
  EXPECT_EQ(code(1), errc::invalid_argument);
}

TEST_F(Pool, RefusesBeyondItsQueueAndServesTheRest) {
  start({.in_flight_max = 1, .queue_max = 1});
  wish slow{.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  send(3, slow);
  EXPECT_FALSE(answered(1));
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(code(3), errc::overloaded);
  pass(50ms);
  pass(50ms);
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(Pool, ServesTheHigherPriorityFirst) {
  start({.in_flight_max = 1, .queue_max = 10});
  wish slow{.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  slow.priority = 5;
  send(3, slow);
  for (int i = 0; i < 3; ++i) pass(50ms);
  EXPECT_EQ(order_, (std::vector<std::uint32_t>{1, 3, 2}));
}

TEST_F(Pool, EndsAnAttemptWhoseTimeIsUpAndFreesTheEngine) {
  start({.in_flight_max = 1, .queue_max = 4}, 1);
  send(1, {.prompt = "@sim {\"ms\":5000,\"reply\":\"late\"}", .timeout_ms = 100});
  send(2);
  EXPECT_FALSE(answered(1));
  pass(150ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_NE(error(1).find("100 ms"), std::string::npos);
  EXPECT_EQ(code(2), errc::unknown);
  pass(10s);
  EXPECT_EQ(results_.size(), 2u);
}

TEST_F(Pool, EndsAWaitingAttemptWhoseTimeIsUp) {
  start({.in_flight_max = 1, .queue_max = 4});
  send(1, {.prompt = "@sim {\"ms\":1000,\"reply\":\"x\"}"});
  send(2, {.timeout_ms = 100});
  pass(150ms);
  EXPECT_EQ(code(2), errc::deadline_exceeded);
  EXPECT_FALSE(answered(1));
  pass(1s);
  EXPECT_EQ(code(1), errc::unknown);
  send(3);
  EXPECT_EQ(code(3), errc::unknown);
}

TEST_F(Pool, CancelsWhatWaitsAndWhatAnEngineHas) {
  start({.in_flight_max = 1, .queue_max = 4});
  wish slow{.prompt = "@sim {\"ms\":5000,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  cancel(2);
  EXPECT_EQ(code(2), errc::cancelled);
  EXPECT_FALSE(answered(1));
  cancel(1);
  EXPECT_EQ(code(1), errc::cancelled);
  cancel(99);
  send(3);
  EXPECT_EQ(code(3), errc::unknown);
}

TEST_F(Pool, RefusesAReplyThatFailsItsCheckAndKeepsItsCost) {
  start();
  send(1, {.prompt = "@sim {\"reply\":\"forty-two\"}", .check_kind = "number"});
  EXPECT_EQ(code(1), errc::invalid_output);
  EXPECT_GT(results_.at(1).read()->getUsage().getCostNanousd(), 0);
  send(2, {.prompt = "@sim {\"reply\":\"42\"}", .check_kind = "number"});
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(Pool, SaysThatNoEngineIsThereWhenAllHaveDied) {
  start();
  for (auto& [name, engine] : engines_) caf::anon_send_exit(engine, caf::exit_reason::kill);
  run();
  send(1);
  EXPECT_EQ(code(1), errc::unavailable);
}

TEST_F(Pool, FailsWhatADyingEngineHadInFlight) {
  start();
  send(1, {.prompt = "@sim {\"ms\":5000,\"reply\":\"x\"}"});
  EXPECT_FALSE(answered(1));
  caf::anon_send_exit(engines_.at("tiny-1"), caf::exit_reason::kill);
  run();
  EXPECT_EQ(code(1), errc::engine_failed);
}

TEST_F(Pool, GoesOnWithANewRouter) {
  start();
  caf::anon_send_exit(router_, caf::exit_reason::kill);
  run();
  send(1);
  EXPECT_EQ(code(1), errc::unavailable);
  auto again = system_->spawn(router_behavior, router_config{}, models_, std::uint64_t{8} << 32);
  actors_.push_back(caf::actor_cast<caf::actor>(again));
  caf::anon_send(pool_, wire_atom_v, again);
  for (auto& [name, engine] : engines_) caf::anon_send(engine, wire_atom_v, again);
  run();
  send(2);
  EXPECT_EQ(code(2), errc::unknown);
}

}  // namespace
}  // namespace tandem
