// The embedded engine goes from one set of real weights to another while requests run.

#include <map>

#include <caf/scoped_actor.hpp>

#include <gtest/gtest.h>

#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "tests/actor/engine/engine_fixture.hpp"

namespace tandem {
namespace {

using namespace tandem::testing;

std::filesystem::path executor(const std::string& version) {
  return std::filesystem::path{TANDEM_SOURCE_DIR} / "config" / "models" /
         ("tandem-executor-" + version + "-f16.gguf");
}

/// One engine under CAF's real scheduler.
struct embedded_node {
  explicit embedded_node(const std::string& version) {
    engine_config config{.name = "tiny-1", .kind = "embedded", .model = "tiny", .concurrency = 4};
    config.path = executor(version);
    config.weight_version = version;
    model_config model{.name = "tiny", .tier = "small"};
    router = system.spawn(router_behavior, router_start{.models = {model}});
    engine = system.spawn(engine_behavior, config, model, caf::actor_cast<router_actor>(router),
                          backend_services{});
  }
  ~embedded_node() {
    caf::anon_send_exit(engine, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
  }

  std::unique_ptr<system_config> settings = std::move(*system_config::make({.threads = 2}));
  caf::actor_system system{*settings};
  router_inside router;
  engine_inside engine;
};

/// Most of them the early checkpoint (v1) answers wrong.
std::string prompt_of(int i) {
  constexpr const char* prompts[] = {"max 50 49", "max 64 65", "max 71 70", "max 78 77",
                                     "max 78 79", "min 57 56", "min 57 58", "min 78 77",
                                     "add 50 51", "add 64 63", "add 71 70", "mul 57 9",
                                     "sub 78 9",  "add 12 7",  "max 3 9"};
  return prompts[i % 15];
}

/// What weights of this version answer, each alone.
std::vector<std::string> truth(const std::string& version, int count) {
  embedded_node node{version};
  caf::scoped_actor self{node.system};
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i)
    self->request(node.engine, caf::infinite, attempt_atom_v,
                  attempt_of({.number = static_cast<std::uint32_t>(i), .prompt = prompt_of(i)}),
                  no_decision(), chunk_sink{})
        .receive(
            [&](const tmsg::attres& result) { out.emplace_back(view(result.read()->getText())); },
            [](const caf::error& err) { FAIL() << message_of(err); });
  return out;
}

/// Asks one thing after the other until it has had so many answers of v2; what is refused is asked
/// again, as the pool would elsewhere.
void ask_on(caf::event_based_actor* self, engine_inside engine, caf::actor report,
            std::uint32_t number, int left) {
  if (left == 0) {
    self->send(report, done_atom_v);
    return;
  }
  auto prompt = prompt_of(static_cast<int>(number));
  self->request(engine, caf::infinite, attempt_atom_v,
                attempt_of({.number = number, .prompt = prompt}), no_decision(), chunk_sink{})
      .then([self, engine, report, number, left](const tmsg::attres& result) {
        auto after = left;
        if (code_of_result(result) != errc::unavailable) {
          self->send(report, done_atom_v, number, result);
          if (view(result.read()->getWeightVersion()) == "v2") --after;
        }
        ask_on(self, engine, report, number + 4, after);
      });
}

TEST(EngineSwap, EveryAnswerIsRightForTheVersionThatItNames) {
  constexpr int kinds = 15;
  std::map<std::string, std::vector<std::string>> right;
  for (const auto* version : {"v1", "v2"}) right[version] = truth(version, kinds);
  ASSERT_NE(right["v1"], right["v2"]) << "the versions differ in what they can do";

  embedded_node node{"v1"};
  caf::scoped_actor self{node.system};
  for (std::uint32_t i = 0; i < 4; ++i)
    node.system.spawn(
        [engine = node.engine, report = caf::actor_cast<caf::actor>(self),
         i](caf::event_based_actor* asker) { ask_on(asker, engine, report, 1000 + i, 20); });
  std::map<std::string, int> seen;
  auto updated = false;
  int open = 4;
  auto order = [&] {
    node.system.spawn([engine = node.engine,
                       report = caf::actor_cast<caf::actor>(self)](caf::event_based_actor* asker) {
      asker
          ->request(engine, caf::infinite, weight_atom_v,
                    order_of({.version = "v2", .path = executor("v2").string()}))
          .then([asker, report](const tmsg::engupdd& done) {
            asker->send(report, done_atom_v, done);
          });
    });
  };
  while (open > 0 || !updated)
    self->receive(
        [&](done_atom, std::uint32_t number, const tmsg::attres& result) {
          ASSERT_EQ(code_of_result(result), errc::unknown)
              << view(result.read()->getError().getMessage());
          std::string version{view(result.read()->getWeightVersion())};
          ASSERT_TRUE(right.count(version)) << version;
          EXPECT_EQ(std::string{view(result.read()->getText())}, right[version][number % 15])
              << version << ": " << prompt_of(static_cast<int>(number));
          // Some have been answered by the old ones, and more are at work.
          if (++seen[version] == 8 && version == "v1") order();
        },
        [&](done_atom) { --open; },
        [&](done_atom, const tmsg::engupdd& done) {
          updated = true;
          EXPECT_EQ(done.read()->getPhase(), schema::EnginePhase::SERVING)
              << view(done.read()->getError().getMessage());
          EXPECT_EQ(view(done.read()->getVersion()), "v2");
          EXPECT_EQ(done.read()->getCutOff(), 0u);
        });
  EXPECT_GE(seen["v1"], 8);
  EXPECT_GE(seen["v2"], 80);
}

TEST(EngineSwap, WhatHasBegunGoesOnWithTheOldWeights) {
  auto right = truth("v1", 4);
  embedded_node node{"v1"};
  std::vector<tmsg::attres> results(4);
  caf::scoped_actor self{node.system};
  // All are with the engine before the order, and none is cut off.
  for (std::uint32_t i = 0; i < 4; ++i)
    node.system.spawn(
        [&node, i, to = caf::actor_cast<caf::actor>(self)](caf::event_based_actor* asker) {
          asker
              ->request(node.engine, caf::infinite, attempt_atom_v,
                        attempt_of({.number = i, .prompt = prompt_of(static_cast<int>(i))}),
                        no_decision(), chunk_sink{})
              .then([asker, i, to](const tmsg::attres& result) {
                asker->send(to, done_atom_v, i, result);
              });
        });
  std::uint64_t begun = 0;
  while (begun < 4)
    self->request(node.engine, caf::infinite, engine_atom_v)
        .receive(
            [&](const tmsg::engstat& now) {
              begun = now.read()->getInFlight() + now.read()->getRequests();
            },
            [](const caf::error& err) { FAIL() << message_of(err); });
  auto order = self->request(node.engine, caf::infinite, weight_atom_v,
                             order_of({.version = "v2", .path = executor("v2").string()}));
  for (int i = 0; i < 4; ++i)
    self->receive([&](done_atom, std::uint32_t number, const tmsg::attres& result) {
      EXPECT_EQ(code_of_result(result), errc::unknown)
          << view(result.read()->getError().getMessage());
      EXPECT_EQ(view(result.read()->getWeightVersion()), "v1");
      EXPECT_EQ(std::string{view(result.read()->getText())}, right[number]);
    });
  order.receive([&](const tmsg::engupdd& done) { EXPECT_EQ(done.read()->getCutOff(), 0u); },
                [](const caf::error& err) { FAIL() << message_of(err); });
}

TEST(EngineSwap, AFileThatIsNoModelIsRefusedAndTheOldWeightsStay) {
  embedded_node node{"v1"};
  caf::scoped_actor self{node.system};
  self->request(node.engine, caf::infinite, weight_atom_v,
                order_of({.version = "v2", .path = "/no/such/file.gguf"}))
      .receive(
          [&](const tmsg::engupdd& done) {
            EXPECT_EQ(done.read()->getPhase(), schema::EnginePhase::LOADING);
            EXPECT_EQ(done.read()->getError().getCode(), schema::Errc::INVALID_ARGUMENT);
            EXPECT_EQ(view(done.read()->getVersion()), "v1");
          },
          [](const caf::error& err) { FAIL() << message_of(err); });
}

}  // namespace
}  // namespace tandem
