// The embedded engine goes from one set of real weights to another while requests run.

#include <map>
#include <set>

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

struct answer {
  std::string version;
  std::string text;
};

std::string prompt_of(int i) {
  return "add " + std::to_string(i % 5 * 3 + 2) + " " + std::to_string(i % 3 + 4);
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

TEST(EngineSwap, EveryAnswerIsRightForTheVersionThatItNames) {
  constexpr int kinds = 15;
  std::map<std::string, std::vector<std::string>> right;
  for (const auto* version : {"v1", "v2"}) right[version] = truth(version, kinds);
  ASSERT_NE(right["v1"], right["v2"]) << "the versions differ in what they can do";

  embedded_node node{"v1"};
  caf::scoped_actor self{node.system};
  auto order = self->request(node.engine, caf::infinite, weight_atom_v,
                             order_of({.version = "v2", .path = executor("v2").string()}));
  // Those that come while it changes are refused, and asked again.
  std::set<std::string> seen;
  int next = 0;
  std::vector<int> again;
  auto ask_one = [&](int i) {
    auto refused = false;
    self->request(node.engine, caf::infinite, attempt_atom_v,
                  attempt_of({.number = static_cast<std::uint32_t>(1000 + next++),
                              .prompt = prompt_of(i)}),
                  no_decision(), chunk_sink{})
        .receive(
            [&](const tmsg::attres& result) {
              auto code = code_of_result(result);
              if (code == errc::unavailable) {
                refused = true;
                return;
              }
              ASSERT_EQ(code, errc::unknown) << view(result.read()->getError().getMessage());
              std::string version{view(result.read()->getWeightVersion())};
              ASSERT_TRUE(right.count(version)) << version;
              EXPECT_EQ(std::string{view(result.read()->getText())},
                        right[version][static_cast<std::size_t>(i)])
                  << version << ": " << prompt_of(i);
              seen.insert(version);
            },
            [](const caf::error& err) { FAIL() << message_of(err); });
    return !refused;
  };
  for (int i = 0; i < kinds; ++i)
    if (!ask_one(i)) again.push_back(i);
  order.receive(
      [&](const tmsg::engupdd& done) {
        EXPECT_EQ(done.read()->getPhase(), schema::EnginePhase::SERVING)
            << view(done.read()->getError().getMessage());
        EXPECT_EQ(view(done.read()->getVersion()), "v2");
        EXPECT_EQ(done.read()->getCutOff(), 0u);
      },
      [](const caf::error& err) { FAIL() << message_of(err); });
  for (auto i : again) EXPECT_TRUE(ask_one(i));
  for (int i = 0; i < kinds; ++i) EXPECT_TRUE(ask_one(i));
  EXPECT_TRUE(seen.count("v2"));
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
