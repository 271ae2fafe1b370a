#include <gtest/gtest.h>

#include <algorithm>

#include "actors/engine/sim/sim_backend.hpp"
#include "tests/unit/engine/sim/paced_harness.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

engine_config with(const sim_config& sim) {
  engine_config config;
  config.name = "sim-1";
  config.kind = "sim";
  config.sim = sim;
  return config;
}

generation_request request(std::uint64_t id, std::string prompt,
                           schema::Purpose purpose = schema::Purpose::STEP) {
  return {.id = id,
          .purpose = purpose,
          .messages = {{schema::Role::USER, std::move(prompt)}},
          .max_tokens = 1'000};
}

generation ask(sim_backend& server, const std::string& prompt,
               schema::Purpose purpose = schema::Purpose::STEP) {
  virtual_engine engine;
  engine.start(server, request(1, prompt, purpose));
  engine.run(server);
  EXPECT_EQ(engine.ends.count(1), 1u) << prompt;
  return engine.ends[1].result;
}

double share_of(const sim_config& config, const std::function<bool(const generation&)>& is) {
  sim_backend server{with(config)};
  int seen = 0;
  for (int i = 0; i < 2'000; ++i) seen += is(ask(server, "q" + std::to_string(i))) ? 1 : 0;
  return seen / 2'000.0;
}

TEST(sim_faults, StatusesAreTheErrorsThatTheyStandFor) {
  sim_backend server{with({})};
  for (auto [status, code] : {std::pair{429, errc::overloaded},
                              {503, errc::unavailable},
                              {500, errc::engine_failed},
                              {502, errc::engine_failed},
                              {400, errc::invalid_argument},
                              {404, errc::invalid_argument}}) {
    auto result = ask(server, R"(@sim {"status":)" + std::to_string(status) + "}");
    EXPECT_EQ(result.code, code) << status;
    EXPECT_EQ(result.finish, schema::Finish::ERROR);
  }
  EXPECT_EQ(ask(server, R"(@sim {"status":429,"retry_after_ms":250})").retry_after, 250ms);
  EXPECT_EQ(ask(server, R"(@sim {"status":200})").code, errc::invalid_argument);
}

TEST(sim_faults, RefusalsComeAtTheirRatesAndSayWhenToComeBack) {
  auto is = [](errc code) {
    return [code](const generation& result) {
      EXPECT_EQ(result.retry_after, result.code == code ? 3s : 0s);
      return result.code == code;
    };
  };
  EXPECT_NEAR(share_of({.overload_rate = 0.25, .retry_after = 3s}, is(errc::overloaded)), 0.25,
              0.05);
  EXPECT_NEAR(share_of({.unavailable_rate = 0.25, .retry_after = 3s}, is(errc::unavailable)), 0.25,
              0.05);
}

TEST(sim_faults, StalledCallsAreAnsweredOnlyWhenCancelled) {
  for (const auto& config : {sim_config{}, sim_config{.stall_rate = 1}}) {
    sim_backend server{with(config)};
    virtual_engine engine;
    engine.start(server, request(1, config.stall_rate > 0 ? "x" : R"(@sim {"stall":true})"));
    engine.run(server);
    EXPECT_TRUE(engine.ends.empty());
    EXPECT_TRUE(std::holds_alternative<generation_pending>(server.resume(1)));
    EXPECT_EQ(server.status().server_running, 1u);
    auto end = server.cancel(1);
    ASSERT_TRUE(std::holds_alternative<generation>(end));
    EXPECT_EQ(std::get<generation>(end).code, errc::cancelled);
    EXPECT_EQ(server.status().server_running, 0u);
  }
}

TEST(sim_faults, StalledCallsDoNotSlowTheOthers) {
  sim_backend server{with({.per_token = 1ms, .per_token_batch = 10ms})};
  virtual_engine engine;
  engine.start(server, request(1, R"(@sim {"stall":true})"));
  engine.start(server, request(2, R"(@sim {"tokens":10})"));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(2).at, 10ms);
}

TEST(sim_faults, StreamsBreakOffAfterSoManyTokens) {
  virtual_engine engine;
  sim_backend server{with({.first_token = 5ms, .per_token = 20ms}), engine.sink()};
  engine.start(server, request(1, R"(@sim {"tokens":40,"cut_after":12})"));
  engine.run(server);
  const auto& end = engine.ends.at(1);
  EXPECT_EQ(end.result.code, errc::engine_failed);
  EXPECT_EQ(end.result.finish, schema::Finish::ERROR);
  EXPECT_EQ(end.result.completion_tokens, 12u);
  EXPECT_TRUE(end.result.text.empty());
  EXPECT_EQ(engine.text_of(1).size(), 48u) << "that much had come";
  EXPECT_EQ(end.at, 245ms);
}

TEST(sim_faults, StreamsBreakOffAtTheirRate) {
  auto broke = [](const generation& result) {
    return result.code == errc::engine_failed && result.completion_tokens > 0;
  };
  EXPECT_NEAR(share_of({.cut_rate = 0.25}, broke), 0.25, 0.05);
}

TEST(sim_faults, SlowCallsTakeTheirFactorLonger) {
  sim_backend server{with({.first_token = 10ms, .per_token = 1ms})};
  virtual_engine engine;
  engine.start(server, request(1, R"(@sim {"tokens":10,"slow":4})"));
  engine.start(server, request(2, R"(@sim {"ms":7,"slow":2})"));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(1).at, 80ms);
  EXPECT_EQ(engine.ends.at(2).at, 14ms);
  sim_backend slow{with({.first_token = 10ms, .slow_rate = 1, .slow_factor = 3})};
  virtual_engine other;
  other.start(slow, request(1, "x"));
  other.run(slow);
  EXPECT_EQ(other.ends.at(1).at, 30ms);
}

TEST(sim_faults, WrongAnswersDifferFromTheRightOnes) {
  sim_backend server{with({})};
  EXPECT_EQ(ask(server, R"(@sim {"reply":"42","wrong":true})").text, "43");
  auto text = ask(server, R"(@sim {"reply":"yes","wrong":true})").text;
  EXPECT_NE(text, "yes");
  EXPECT_NE(text.find("[simulated]"), std::string::npos);
  auto wrong = [](const generation& result) {
    return result.text.find("wrong") != std::string::npos;
  };
  EXPECT_NEAR(share_of({.wrong_rate = 0.25}, wrong), 0.25, 0.05);
}

TEST(sim_faults, FaultsHoldForTheFirstCallsOnlyWhereThePromptSaysSo) {
  sim_backend server{with({})};
  for (auto fault : {R"("wrong":true)", R"("cut_after":1)", R"("status":503)"}) {
    auto prompt = std::string{R"(@sim {"reply":"42","fail_first":1,)"} + fault + "}";
    EXPECT_NE(ask(server, prompt).text, "42") << fault;
    EXPECT_EQ(ask(server, prompt).text, "42") << fault;
  }
}

TEST(sim_faults, QualityIsTheShareOfPromptsThatItCanAnswer) {
  auto wrong = [](const generation& result) {
    return result.text.find("wrong") != std::string::npos;
  };
  EXPECT_NEAR(share_of({.quality = 0.7}, wrong), 0.3, 0.05);
  EXPECT_EQ(share_of({.quality = 1}, wrong), 0);
}

TEST(sim_faults, HardPromptsAreHardForEveryEngineAndEveryTry) {
  sim_backend small{with({.seed = 1, .quality = 0.4})};
  sim_backend large{with({.seed = 2, .quality = 0.8})};
  for (int i = 0; i < 300; ++i) {
    auto prompt = "question " + std::to_string(i);
    auto is_wrong = [&prompt](sim_backend& server) {
      return ask(server, prompt).text.find("wrong") != std::string::npos;
    };
    EXPECT_EQ(is_wrong(small), is_wrong(small));
    EXPECT_GE(is_wrong(small), is_wrong(large)) << prompt;
  }
  EXPECT_EQ(ask(small, R"(@sim {"reply":"1","difficulty":0.4})").text, "1");
  EXPECT_EQ(ask(small, R"(@sim {"reply":"1","difficulty":0.5})").text, "2");
  EXPECT_EQ(ask(large, R"(@sim {"reply":"1","difficulty":0.5})").text, "1");
}

TEST(sim_faults, PlansAreNeverMadeWrong) {
  sim_backend server{with({.quality = 0, .wrong_rate = 1})};
  EXPECT_EQ(ask(server, "goal", schema::Purpose::PLAN).text.rfind(R"({"steps":[)", 0), 0u);
}

TEST(sim_faults, LiesAboutUsage) {
  sim_backend honest{with({})};
  sim_backend liar{with({.usage_factor = 3})};
  auto truth = ask(honest, "add 12 7");
  auto lie = ask(liar, "add 12 7");
  EXPECT_EQ(lie.prompt_tokens, 3 * truth.prompt_tokens);
  EXPECT_EQ(lie.completion_tokens, 3 * truth.completion_tokens);
  EXPECT_EQ(ask(honest, R"(@sim {"reply":"abcd","usage":0})").completion_tokens, 0u);
  EXPECT_EQ(ask(honest, R"(@sim {"reply":"abcd","usage":1e99})").completion_tokens, 1'000'000u);
}

TEST(sim_faults, PromptsBeyondTheContextAreRefused) {
  sim_backend server{with({.context_tokens = 100})};
  EXPECT_EQ(server.status().context_tokens, 100u);
  EXPECT_EQ(ask(server, std::string(400, 'x')).code, errc::unknown);
  auto result = ask(server, std::string(404, 'x'));
  EXPECT_EQ(result.code, errc::invalid_argument);
  EXPECT_NE(result.error.find("context"), std::string::npos);
}

}  // namespace
}  // namespace tandem
