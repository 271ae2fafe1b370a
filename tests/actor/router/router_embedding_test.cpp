#include <chrono>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include "actors/http/http_loop.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using test::stub_answer;

constexpr auto path = "/v1/embeddings";

/// It is only routed to.
engine_actor::behavior_type idle_engine() {
  return {[](attempt_atom, const tmsg::attempt&, const tmsg::decisn&, const chunk_sink&) {
            return tmsg::attres{};
          },
          [](cancel_atom, const tmsg::cancel&) {}, [](engine_atom) { return tmsg::engstat{}; },
          [](engine_atom, const tmsg::engqry&) { return tmsg::engrep{}; },
          [](status_atom) { return tmsg::actstat{}; }};
}

class RouterEmbedding : public ::testing::Test {
 protected:
  RouterEmbedding() : config_{std::move(*system_config::make({.threads = 1}))}, system_{*config_} {}
  ~RouterEmbedding() override {
    caf::anon_send_exit(router_, caf::exit_reason::kill);
    caf::anon_send_exit(engine_, caf::exit_reason::kill);
  }

  void start(const std::string& policy = "auto", std::chrono::milliseconds timeout = 60s) {
    embedding_config asked{.url = stub_.url(), .model = "e5", .timeout = timeout};
    client_ = *embedding_client::open(asked, loop_);
    router_start start{
        .models = {{.name = "big", .tier = "large", .input_price = 10, .output_price = 10},
                   {.name = "tiny", .tier = "small", .input_price = 1, .output_price = 1}},
        .embeddings = client_};
    start.config.policy = policy;
    start.config.embeddings = true;
    start.config.embedding_model = "e5";
    router_ = system_.spawn(router_behavior, start);
    engine_ = system_.spawn(idle_engine);
    for (auto [name, model] : {std::pair{"one", "big"}, std::pair{"two", "tiny"}}) {
      message_builder<schema::EngineStatus> status;
      status->setName(name);
      status->setModel(model);
      status->setWeightVersion("v1");
      status->setHealth(schema::Health::HEALTHY);
      status->setConcurrency(4);
      caf::anon_send(router_, engine_atom_v, status.finish(), engine_);
    }
  }

  static tmsg::attempt attempt_of(const std::string& prompt) {
    message_builder<schema::Attempt> attempt;
    attempt->setPurpose(schema::Purpose::STEP);
    attempt->setMaxTokens(16);
    auto messages = attempt->initMessages(2);
    messages[0].setRole(schema::Role::SYSTEM);
    messages[0].setContent("answer");
    messages[1].setRole(schema::Role::USER);
    messages[1].setContent(prompt);
    return attempt.finish();
  }
  static tmsg::rtqry query_of(const std::string& tier) {
    message_builder<schema::RouteQuery> query;
    query->setPurpose(schema::Purpose::STEP);
    query->setTier(tier);
    query->setPromptBytes(10);
    query->setMaxTokens(16);
    return query.finish();
  }

  /// The model, or the error's name. Waits without end: a call that is lost hangs the test.
  std::string route(const std::string& prompt, const std::string& tier = {}) {
    caf::scoped_actor self{system_};
    return receive(
        self->request(router_, caf::infinite, route_atom_v, query_of(tier), attempt_of(prompt)));
  }
  template <class Request>
  std::string receive(Request request) {
    std::string got;
    request.receive([&](const tmsg::decisn& decision,
                        const engine_actor&) { got = view(decision.read()->getModel()); },
                    [&](const caf::error& err) { got = std::string{to_string(code_of(err))}; });
    return got;
  }
  static bool is_model(const std::string& name) { return name == "big" || name == "tiny"; }

  std::unique_ptr<system_config> config_;
  caf::actor_system system_;
  test::stub_engine stub_;
  std::shared_ptr<http_loop> loop_ = std::make_shared<http_loop>();
  std::shared_ptr<embedding_client> client_;
  router_inside router_;
  engine_actor engine_;
};

stub_answer vector_of(const std::string& numbers) {
  stub_answer out;
  out.body = R"({"data":[{"embedding":[)" + numbers + "]}]}";
  return out;
}

TEST_F(RouterEmbedding, AsksForTheLastUserTextOnce) {
  stub_.set_path(path, vector_of("1,2,3"));
  start();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(is_model(route("the same words")));
  EXPECT_EQ(stub_.counts().other_requests, 1u);
  EXPECT_EQ(client_->counted().hits, 4u);
  EXPECT_TRUE(is_model(route("others")));
  EXPECT_EQ(stub_.counts().other_requests, 2u);
}

TEST_F(RouterEmbedding, AsksForTheWayOfAJob) {
  stub_.set_path(path, vector_of("1,2,3"));
  start();
  caf::scoped_actor self{system_};
  std::string way;
  self->request(router_, caf::infinite, way_atom_v, attempt_of("a job"))
      .receive([&](const tmsg::decisn& decision) { way = view(decision.read()->getModel()); },
               [&](const caf::error& err) { way = message_of(err); });
  EXPECT_TRUE(way == "plan_act" || way == "large" || way == "small") << way;
  EXPECT_EQ(stub_.counts().other_requests, 1u);
}

TEST_F(RouterEmbedding, DecidesWithoutWhereTheServerIsDeadOrSilent) {
  start();
  stub_.set_path(path, stub_answer::hang_up());
  EXPECT_TRUE(is_model(route("one")));
  // Now it is left alone.
  EXPECT_TRUE(is_model(route("two")));
  EXPECT_EQ(client_->counted().requests, 1u);
}

TEST_F(RouterEmbedding, AServerThatNeverAnswersStopsNoCall) {
  stub_.set_path(path, stub_answer::never());
  start("auto", 50ms);
  EXPECT_TRUE(is_model(route("one")));
}

TEST_F(RouterEmbedding, AsksNothingWhereNothingIsChosenByIt) {
  stub_.set_path(path, vector_of("1"));
  start();
  EXPECT_EQ(route("one tier has one model", "small"), "tiny");
  EXPECT_EQ(client_->counted().requests, 0u);
  caf::anon_send_exit(router_, caf::exit_reason::kill);
  start("cheapest");
  EXPECT_EQ(route("nothing is learned"), "tiny");
  EXPECT_EQ(client_->counted().requests, 0u);
}

TEST_F(RouterEmbedding, WhoeverWaitsIsAnsweredWhenTheRouterOrTheClientEnds) {
  stub_.set_path(path, stub_answer::never());
  for (auto reason : {caf::exit_reason::user_shutdown, caf::exit_reason::kill}) {
    stub_.stop();
    stub_.start();
    auto before = stub_.counts().other_requests;
    start();
    caf::scoped_actor self{system_};
    auto request =
        self->request(router_, caf::infinite, route_atom_v, query_of({}), attempt_of("waits"));
    ASSERT_TRUE(stub_.wait([&](const auto& c) { return c.other_requests > before; }));
    caf::anon_send_exit(router_, reason);
    auto got = receive(std::move(request));
    EXPECT_TRUE(reason == caf::exit_reason::kill ? got == "unavailable" : is_model(got)) << got;
  }
  start();
  auto before = stub_.counts().other_requests;
  caf::scoped_actor self{system_};
  auto request =
      self->request(router_, caf::infinite, route_atom_v, query_of({}), attempt_of("waits"));
  ASSERT_TRUE(stub_.wait([&](const auto& c) { return c.other_requests > before; }));
  loop_.reset();
  EXPECT_TRUE(is_model(receive(std::move(request))));
}

}  // namespace
}  // namespace tandem
