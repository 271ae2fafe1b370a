// Engines come and go while a node runs, and stay so after a restart.

#include <map>
#include <memory>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "config/engine_changes.hpp"
#include "config/load.hpp"
#include "nodes/node/engine_admin.hpp"
#include "schema/text.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using action = schema::EngineAction;

constexpr auto node_toml = R"([[model]]
name = "big"
tier = "large"
[[model]]
name = "tiny"
tier = "small"
[[engine]]
name = "big-1"
kind = "sim"
model = "big"
[[engine]]
name = "tiny-1"
kind = "sim"
model = "tiny"
)";

constexpr auto tiny_2 = "[[engine]]\nname = \"tiny-2\"\nkind = \"sim\"\nmodel = \"tiny\"\n";

/// Starts and stops children as a supervisor does.
struct host_state {
  std::map<std::string, caf::actor> children;
};

class EngineAdmin : public ::testing::Test {
 protected:
  EngineAdmin() {
    settings_ = std::move(*system_config::make({.threads = 1}));
    settings_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*settings_);
    start();
  }
  ~EngineAdmin() override { stop(); }

  node_config load() {
    config_loader loader;
    loader.read_text(node_toml, "node.toml", folder_.path());
    loader.set("node.data", folder_.path().string(), "test");
    loader.read_engine_changes();
    auto config = loader.finish();
    if (!config) throw std::runtime_error(message_of(config.error()));
    return std::move(*config);
  }

  void start() {
    auto config = load();
    router_ = system_->spawn(router_behavior, router_start{.models = config.models});
    registry_ = std::make_shared<engine_registry>();
    announce_engine_changes(config, *registry_);
    engine_factory make = [config, router = router_](const engine_config& engine) {
      auto model = *std::find_if(config.models.begin(), config.models.end(),
                                 [&](const auto& each) { return each.name == engine.model; });
      return child_spec{.name = engine.name,
                        .kind = "engine",
                        .spawn = [engine, model, router](caf::actor_system& system) {
                          return caf::actor_cast<caf::actor>(system.spawn(
                              engine_behavior, engine, model, router, backend_services{}));
                        }};
    };
    host_ = system_->spawn(
        [](child_host::stateful_pointer<host_state> self) -> child_host::behavior_type {
          return {[self](add_atom, const child_spec& spec) {
                    self->state.children[spec.name] = spec.spawn(self->system());
                    return caf::ok_atom_v;
                  },
                  [self](remove_atom, const std::string& name) {
                    self->send_exit(self->state.children[name], caf::exit_reason::user_shutdown);
                    self->state.children.erase(name);
                    return caf::ok_atom_v;
                  }};
        });
    for (const auto& engine : config.engines)
      caf::anon_send(host_, add_atom_v, registered_engine(engine, registry_, make));
    admin_ = system_->spawn(
        engine_admin_behavior,
        engine_admin_parts{config, registry_, make, [host = host_] { return host; }});
    names_ = {"big-1", "tiny-1", "tiny-2"};
    run();
  }

  void stop() {
    for (const auto& name : names_)
      if (auto handle = registry_->find(name))
        caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(admin_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(host_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(router_, caf::exit_reason::user_shutdown);
    run();
    admin_ = nullptr;
    host_ = nullptr;
    router_ = nullptr;
    registry_.reset();
    run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }

  static tmsg::engcmd command(action what, const std::string& text,
                              std::chrono::milliseconds deadline = 0ms) {
    message_builder<schema::EngineCommand> out;
    out->setAction(what);
    if (what == action::ADD)
      out->setToml(text);
    else
      out->setName(text);
    out->setDeadlineMs(static_cast<std::uint64_t>(deadline.count()));
    return out.finish();
  }

  /// What it answered; `answered_` is false while it has not.
  void send(action what, const std::string& text, std::chrono::milliseconds deadline = 0ms) {
    answered_ = false;
    error_ = caf::none;
    system_->spawn([this, request = command(what, text, deadline)](caf::event_based_actor* self) {
      self->request(admin_, caf::infinite, engine_atom_v, request)
          .then([this](const tmsg::engrep&) { answered_ = true; },
                [this](const caf::error& err) {
                  answered_ = true;
                  error_ = err;
                });
    });
    run();
  }

  schema::Health health(const std::string& name) {
    auto found = schema::Health::UNKNOWN;
    auto handle = registry_->find(name);
    if (!handle) return found;
    system_->spawn([&found, handle](caf::event_based_actor* self) {
      self->request(handle, caf::infinite, engine_atom_v)
          .then([&found](const tmsg::engstat& status) { found = status.read()->getHealth(); },
                [](const caf::error&) {});
    });
    run();
    return found;
  }

  std::uint64_t queued(const std::string& name) {
    std::uint64_t found = 0;
    system_->spawn([&found, handle = registry_->find(name)](caf::event_based_actor* self) {
      self->request(handle, caf::infinite, engine_atom_v)
          .then([&found](const tmsg::engstat& status) { found = status.read()->getQueued(); });
    });
    run();
    return found;
  }

  /// Gives the engine a call that takes `ms`, one of that number.
  void work(const std::string& name, int ms, std::uint32_t number = 1) {
    message_builder<schema::Attempt> attempt;
    attempt->initFence().getJob().setNumber(1);
    attempt->getFence().setAttempt(number);
    attempt->setPurpose(schema::Purpose::STEP);
    auto message = attempt->initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent("@sim {\"ms\":" + std::to_string(ms) + "}");
    attempt->setMaxTokens(16);
    attempt->setTimeoutMs(600'000);
    message_builder<schema::Decision> decision;
    finished_ = 0;
    system_->spawn([this, handle = registry_->find(name), request = attempt.finish(),
                    by = decision.finish()](caf::event_based_actor* self) {
      self->request(handle, caf::infinite, attempt_atom_v, request, by, chunk_sink{})
          .then(
              [this](const tmsg::attres& result) {
                finished_ = result.read()->getError().getCode() == schema::Errc::UNKNOWN ? 1 : 2;
              },
              [this](const caf::error&) { finished_ = 2; });
    });
    run();
  }

  /// As it goes on, looking twice a second.
  void pass(std::chrono::milliseconds time) {
    for (auto left = time; left > 0ms; left -= 500ms) {
      scheduler().advance_time(500ms);
      run();
    }
  }

  /// One call at once; two seconds of work are given to it `calls` times.
  void crowd(std::uint32_t calls) {
    send(action::ADD, std::string{tiny_2} + "concurrency = 1\n[engine.scale]\nmax = 3\n" +
                          "queue_delay = \"100ms\"\ngrow_after = \"1s\"\nshrink_after = \"5s\"\n");
    ASSERT_FALSE(error_) << message_of(error_);
    names_.insert(names_.end(), {"tiny-2-2", "tiny-2-3"});
    for (std::uint32_t i = 1; i <= calls; ++i) work("tiny-2", 2000, i);
  }

  test::temp_folder folder_;
  std::unique_ptr<system_config> settings_;
  std::unique_ptr<caf::actor_system> system_;
  router_actor router_;
  std::shared_ptr<engine_registry> registry_;
  child_host host_;
  engine_admin_actor admin_;
  std::vector<std::string> names_;
  bool answered_ = false;
  caf::error error_;
  int finished_ = 0;
};

TEST_F(EngineAdmin, AnAddedEngineWorksAtOnceAndAfterARestart) {
  send(action::ADD, tiny_2);
  ASSERT_TRUE(answered_);
  EXPECT_FALSE(error_) << message_of(error_);
  EXPECT_EQ(health("tiny-2"), schema::Health::HEALTHY);
  stop();
  start();
  EXPECT_EQ(health("tiny-2"), schema::Health::HEALTHY);
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
}

TEST_F(EngineAdmin, AnEngineThatIsWrongIsRefusedAndNothingIsKept) {
  send(action::ADD, "[[engine]]\nname = \"x\"\nkind = \"sim\"\nmodel = \"tinny\"\n");
  EXPECT_EQ(code_of(error_), errc::invalid_argument);
  EXPECT_THAT(message_of(error_), HasSubstr("did you mean 'tiny'?"));
  send(action::ADD, "[[engine]]\nname = \"tiny-1\"\nkind = \"sim\"\nmodel = \"tiny\"\n");
  EXPECT_EQ(code_of(error_), errc::conflict);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / engines_file));
}

TEST_F(EngineAdmin, ADrainedEngineStaysDrainedUntilItIsUndrained) {
  send(action::DRAIN, "tiny-1");
  EXPECT_FALSE(error_) << message_of(error_);
  EXPECT_EQ(health("tiny-1"), schema::Health::DRAINING);
  stop();
  start();
  EXPECT_EQ(health("tiny-1"), schema::Health::DRAINING);
  send(action::UNDRAIN, "tiny-1");
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
  stop();
  start();
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
}

TEST_F(EngineAdmin, ARemovedEngineFinishesItsWorkFirst) {
  work("tiny-1", 1000);
  send(action::REMOVE, "tiny-1", 1h);
  EXPECT_FALSE(answered_);
  EXPECT_EQ(health("tiny-1"), schema::Health::DRAINING);
  scheduler().advance_time(2s);
  run();
  EXPECT_TRUE(answered_);
  EXPECT_FALSE(error_) << message_of(error_);
  EXPECT_EQ(finished_, 1);
  EXPECT_FALSE(registry_->find("tiny-1"));
  stop();
  start();
  EXPECT_FALSE(registry_->find("tiny-1"));
}

TEST_F(EngineAdmin, AfterTheDeadlineItIsRemovedAnyway) {
  work("tiny-1", 600'000);
  send(action::REMOVE, "tiny-1", 5s);
  EXPECT_FALSE(answered_);
  scheduler().advance_time(5s);
  run();
  EXPECT_TRUE(answered_);
  EXPECT_EQ(finished_, 2);
  EXPECT_FALSE(registry_->find("tiny-1"));
}

TEST_F(EngineAdmin, NamesTheEnginesThatThereAre) {
  for (auto what : {action::DRAIN, action::UNDRAIN, action::REMOVE}) {
    send(what, "tiny");
    EXPECT_EQ(code_of(error_), errc::not_found);
    EXPECT_THAT(message_of(error_), HasSubstr("there is big-1, tiny-1"));
  }
}

TEST_F(EngineAdmin, WhatCannotBeKeptIsNotDone) {
  std::filesystem::create_directory(folder_.path() / engines_file);
  send(action::ADD, tiny_2);
  EXPECT_EQ(code_of(error_), errc::storage_failed);
  EXPECT_FALSE(registry_->find("tiny-2"));
  send(action::REMOVE, "tiny-1");
  EXPECT_EQ(code_of(error_), errc::storage_failed);
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
  std::filesystem::remove(folder_.path() / engines_file);
}

TEST_F(EngineAdmin, AScaledEngineHasCopiesWhileCallsWait) {
  crowd(8);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::UNKNOWN);
  pass(2500ms);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::STARTING) << "it is warmed first";
  work("tiny-2-2", 100, 20);
  EXPECT_EQ(finished_, 2) << "and takes nothing";
  pass(5s);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::HEALTHY);
  EXPECT_EQ(queued("tiny-2"), 1) << "what waited has been shared";
  pass(30s);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::UNKNOWN) << "nothing has waited for long";
  EXPECT_EQ(health("tiny-2"), schema::Health::HEALTHY);
  stop();
  start();
  EXPECT_EQ(health("tiny-2"), schema::Health::HEALTHY);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::UNKNOWN);
}

TEST_F(EngineAdmin, ACopyThatDoesNotServeIsGivenUpAfterTheTimeOfAStart) {
  crowd(8);
  pass(8s);
  ASSERT_EQ(health("tiny-2-2"), schema::Health::HEALTHY);
  caf::anon_send_exit(registry_->find("tiny-2-2"), caf::exit_reason::kill);
  pass(process_config{}.start_timeout - 10s);
  EXPECT_TRUE(registry_->find("tiny-2-2")) << "it may be starting anew";
  pass(20s);
  EXPECT_FALSE(registry_->find("tiny-2-2"));
  // Another one, but not at once.
  for (std::uint32_t i = 1; i <= 20; ++i) work("tiny-2", 2000, 100 + i);
  pass(10s);
  EXPECT_FALSE(registry_->find("tiny-2-2"));
  pass(20s);
  EXPECT_TRUE(registry_->find("tiny-2-2"));
}

TEST_F(EngineAdmin, CopiesAreDrainedByHandAndGoWithTheFirst) {
  crowd(8);
  pass(2500ms);
  send(action::DRAIN, "tiny-2-2");
  EXPECT_FALSE(error_) << message_of(error_);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::DRAINING);
  send(action::REMOVE, "tiny-2");
  pass(1s);
  EXPECT_EQ(health("tiny-2-2"), schema::Health::UNKNOWN);
  // Nothing of them is written down.
  stop();
  EXPECT_NO_THROW(start());
  EXPECT_EQ(health("tiny-2"), schema::Health::UNKNOWN);
}

TEST_F(EngineAdmin, ARestartedEngineIsDrainedAsBefore) {
  send(action::DRAIN, "tiny-1");
  EXPECT_TRUE(registry_->is_draining("tiny-1"));
  send(action::REMOVE, "tiny-1");
  EXPECT_FALSE(registry_->is_draining("tiny-1"));
}

}  // namespace
}  // namespace tandem
