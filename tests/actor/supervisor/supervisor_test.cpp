// Restarts, escalation and the order of a stop, under CAF's deterministic scheduler: time moves
// when the test says so.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/engine_actor.hpp"
#include "actors/status.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What the children and the supervisor did, in order.
using diary = std::vector<std::string>;

class Supervisor : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds backoff{50};

  Supervisor() {
    config_ = std::move(*system_config::make({.threads = 1}));
    config_->add_message_types<caf::id_block::tandem_handles>();
    config_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*config_);
    settings_.restarts_max = 3;
    settings_.backoff = backoff;
    settings_.backoff_max = 4 * backoff;
  }
  ~Supervisor() override {
    if (supervisor_) caf::anon_send(supervisor_, stop_atom_v);
    run();
    supervisor_ = nullptr;
    handles_.clear();
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

  child_spec child(std::string name, bool fatal = false) {
    return {.name = name,
            .kind = name,
            .fatal = fatal,
            .spawn =
                [this, name](caf::actor_system& system) {
                  diary_.push_back("start " + name);
                  auto handle = system.spawn([name](caf::event_based_actor* self) -> caf::behavior {
                    return {
                        [name](status_atom) {
                          return actor_status({.name = name, .kind = name, .parent = "supervisor"});
                        },
                        [self](expire_atom) {
                          self->quit(make_error(errc::engine_failed, "it broke"));
                        }};
                  });
                  handle->attach_functor([this, name] { diary_.push_back("end " + name); });
                  std::erase_if(handles_, [&](const auto& each) { return each.first == name; });
                  handles_.emplace_back(name, handle);
                  return handle;
                },
            .announce = [this, name] { diary_.push_back("announce " + name); }};
  }

  void start(std::vector<child_spec> children) {
    supervisor_ = system_->spawn(supervisor_behavior, settings_, node_description{.name = "test"},
                                 std::move(children),
                                 node_services{.planner = [] { return planner_actor{}; }});
    supervisor_->attach_functor([this](const caf::error& reason) {
      ended_ = true;
      reason_ = reason;
    });
    run();
  }

  void crash(const std::string& name) {
    auto found = std::find_if(handles_.begin(), handles_.end(),
                              [&](const auto& each) { return each.first == name; });
    ASSERT_NE(found, handles_.end());
    caf::anon_send(found->second, expire_atom_v);
    run();
  }

  /// What was done since the last call.
  diary since() { return std::exchange(diary_, {}); }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  supervisor_config settings_;
  supervisor_inside supervisor_;
  std::vector<std::pair<std::string, caf::actor>> handles_;
  diary diary_;
  bool ended_ = false;
  caf::error reason_;
};

TEST_F(Supervisor, StartsInOrderAndStopsInReverse) {
  start({child("a"), child("b"), child("c")});
  EXPECT_THAT(since(), ElementsAre("start a", "start b", "start c"));
  caf::anon_send(supervisor_, stop_atom_v);
  run();
  EXPECT_THAT(since(), ElementsAre("end c", "end b", "end a"));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(reason_, caf::error{caf::exit_reason::normal});
}

TEST_F(Supervisor, RestartsACrashedChildAfterAPauseAndMakesItKnown) {
  start({child("a"), child("b")});
  since();
  crash("a");
  EXPECT_THAT(since(), ElementsAre("end a"));
  pass(backoff - 1ms);
  EXPECT_THAT(since(), IsEmpty());
  pass(1ms);
  EXPECT_THAT(since(), ElementsAre("start a", "announce a"));
  EXPECT_FALSE(ended_);
}

TEST_F(Supervisor, WaitsLongerBeforeEachFurtherRestart) {
  settings_.restarts_max = 10;
  start({child("a")});
  // The pause doubles up to its maximum.
  for (auto pause : {backoff, 2 * backoff, 4 * backoff, 4 * backoff}) {
    since();
    crash("a");
    pass(pause - 1ms);
    EXPECT_THAT(since(), ElementsAre("end a"));
    pass(1ms);
    EXPECT_THAT(since(), ElementsAre("start a", "announce a"));
  }
}

TEST_F(Supervisor, CountsEachChildAlone) {
  start({child("a"), child("b")});
  for (int i = 0; i < 3; ++i) {
    crash("a");
    crash("b");
    pass(4 * backoff);
  }
  EXPECT_FALSE(ended_);
}

TEST_F(Supervisor, GivesUpAfterTooManyRestartsAndSaysWhy) {
  start({child("a"), child("b"), child("c")});
  for (int i = 0; i < 3; ++i) {
    crash("b");
    pass(4 * backoff);
  }
  EXPECT_FALSE(ended_);
  since();
  crash("b");
  EXPECT_THAT(since(), ElementsAre("end b", "end c", "end a"));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(code_of(reason_), errc::engine_failed);
  EXPECT_EQ(message_of(reason_), "b 'b': it broke");
}

TEST_F(Supervisor, AFatalChildEndsTheNodeAtOnce) {
  start({child("journal", true), child("b")});
  since();
  crash("journal");
  EXPECT_THAT(since(), ElementsAre("end journal", "end b"));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(message_of(reason_), "journal 'journal': it broke");
}

TEST_F(Supervisor, AStopDuringAPauseStartsNothingAgain) {
  start({child("a"), child("b")});
  crash("a");
  since();
  caf::anon_send(supervisor_, stop_atom_v);
  run();
  pass(10 * backoff);
  EXPECT_THAT(since(), ElementsAre("end b"));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(reason_, caf::error{caf::exit_reason::normal});
}

TEST_F(Supervisor, TopologyCountsRestartsAndKeepsTheReason) {
  start({child("a"), child("b")});
  crash("b");
  caf::scoped_actor self{*system_};
  auto ask = [&] {
    auto pending = self->request(supervisor_, caf::infinite, topo_atom_v);
    run();
    tmsg::topo found;
    pending.receive([&](const tmsg::topo& reply) { found = reply; },
                    [](const caf::error& err) { FAIL() << message_of(err); });
    return found;
  };
  auto during = ask();
  EXPECT_EQ(view(during.read()->getNodes()[0].getActors()[2].getState()), "restarting");
  pass(backoff);
  auto after = ask();
  auto reader = after.read();
  auto actor = reader->getNodes()[0].getActors()[2];
  EXPECT_EQ(view(actor.getName()), "b");
  EXPECT_EQ(view(actor.getState()), "ok");
  EXPECT_EQ(actor.getRestarts(), 1u);
  EXPECT_EQ(view(actor.getLastError()), "it broke");
}

TEST_F(Supervisor, AStartThatFailsIsAnsweredWithTheChildsReason) {
  auto broken = child("engine", true);
  broken.spawn = [](caf::actor_system& system) {
    return system.spawn([](caf::event_based_actor* self) -> caf::behavior {
      self->quit(make_error(errc::invalid_argument, "no such model"));
      return {};
    });
  };
  start({child("a"), std::move(broken)});
  EXPECT_TRUE(ended_);
  EXPECT_EQ(message_of(reason_), "engine 'engine': no such model");
}

/// Asks for a probe of the engine of this name; its report, or why there is none.
class SupervisorProbe : public Supervisor {
 protected:
  child_spec engine(const std::string& name) {
    auto spec = child(name);
    spec.kind = "engine";
    spec.spawn = [this, name](caf::actor_system& system) {
      auto handle = caf::actor_cast<caf::actor>(
          system.spawn([name](engine_actor::pointer self) -> engine_actor::behavior_type {
            return {[](attempt_atom, const tmsg::attempt&, const tmsg::decisn&, const chunk_sink&) {
                      return tmsg::attres{};
                    },
                    [self](cancel_atom, const tmsg::cancel&) {
                      self->quit(make_error(errc::engine_failed, "it broke"));
                    },
                    [](engine_atom) { return tmsg::engstat{}; },
                    [name](engine_atom, const tmsg::engqry& query) {
                      EXPECT_EQ(view(query.read()->getName()), name);
                      message_builder<schema::EngineReport> report;
                      report->initStatus().setName(name);
                      return report.finish();
                    },
                    [name](status_atom) {
                      return actor_status({.name = name, .kind = "engine", .parent = "supervisor"});
                    }};
          }));
      std::erase_if(handles_, [&](const auto& each) { return each.first == name; });
      handles_.emplace_back(name, handle);
      return handle;
    };
    return spec;
  }

  std::string probe(const std::string& name) {
    caf::scoped_actor self{*system_};
    message_builder<schema::EngineQuery> query;
    query->setName(name);
    auto pending = self->request(supervisor_, caf::infinite, engine_atom_v, query.finish());
    run();
    std::string found;
    code_ = errc::unknown;
    pending.receive(
        [&](const tmsg::engrep& report) { found = view(report.read()->getStatus().getName()); },
        [&](const caf::error& err) {
          code_ = code_of(err);
          found = message_of(err);
        });
    return found;
  }

  errc code_ = errc::unknown;
};

TEST_F(SupervisorProbe, GoesToTheEngineOfThatName) {
  start({child("journal"), engine("tiny-1"), engine("big-1")});
  EXPECT_EQ(probe("big-1"), "big-1");
  EXPECT_EQ(probe("tiny-1"), "tiny-1");
  EXPECT_EQ(code_, errc::unknown);
}

TEST_F(SupervisorProbe, NamesTheEnginesThatThereAre) {
  start({child("journal"), engine("tiny-1"), engine("big-1")});
  for (const auto* name : {"tiny", "", "journal"}) {
    EXPECT_EQ(probe(name),
              "there is no engine '" + std::string{name} + "' here; there is tiny-1, big-1");
    EXPECT_EQ(code_, errc::not_found);
  }
}

TEST_F(SupervisorProbe, SaysThatThereIsNone) {
  start({child("journal")});
  EXPECT_EQ(probe("tiny-1"), "there is no engine 'tiny-1' here; there is none");
}

TEST_F(SupervisorProbe, SaysThatTheEngineIsBeingRestartedAndWhy) {
  start({engine("tiny-1")});
  auto broken = caf::actor_cast<engine_actor>(handles_.at(0).second);
  caf::anon_send(broken, cancel_atom_v, tmsg::cancel{});
  broken = nullptr;
  run();
  EXPECT_EQ(probe("tiny-1"), "engine 'tiny-1' is being restarted: it broke");
  EXPECT_EQ(code_, errc::unavailable);
  pass(backoff);
  EXPECT_EQ(probe("tiny-1"), "tiny-1");
}

TEST_F(Supervisor, HandsRouteCommandsToTheNodesRouter) {
  caf::expected<tmsg::rtrep> found{make_error(errc::internal)};
  auto ask = [&] {
    caf::scoped_actor self{*system_};
    message_builder<schema::RouteCommand> command;
    command->setAction(schema::RouteAction::EXPLAIN);
    command->setDecision(7);
    auto pending = self->request(supervisor_, caf::infinite, route_atom_v, command.finish());
    run();
    pending.receive([&](const tmsg::rtrep& report) { found = report; },
                    [&](const caf::error& err) { found = err; });
  };
  auto router = child("router");
  router.spawn = [](caf::actor_system& system) -> caf::actor {
    return system.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[](status_atom) { return actor_status({.name = "router", .kind = "router"}); },
              [](route_atom, const tmsg::rtcmd& command) {
                message_builder<schema::RouteReport> report;
                report->initDecision().setId(command.read()->getDecision());
                return report.finish();
              },
              [self](expire_atom) { self->quit(make_error(errc::internal, "it broke")); }};
    });
  };
  start({router});
  ask();
  ASSERT_TRUE(found) << message_of(found.error());
  EXPECT_EQ(found->read()->getDecision().getId(), 7u);
}

TEST_F(Supervisor, SaysThatANodeHasNoRouter) {
  start({child("a")});
  caf::scoped_actor self{*system_};
  auto pending = self->request(supervisor_, caf::infinite, route_atom_v,
                               message_builder<schema::RouteCommand>{}.finish());
  run();
  pending.receive([](const tmsg::rtrep&) { FAIL(); },
                  [](const caf::error& err) { EXPECT_EQ(code_of(err), errc::unavailable); });
}

}  // namespace
}  // namespace tandem
