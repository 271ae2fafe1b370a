#include "actors/engine/sim/sim_backend.hpp"

#include <gtest/gtest.h>

#include "actors/job/plan/plan_parser.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using std::chrono::microseconds;

engine_config with(const sim_config& sim) {
  engine_config config;
  config.name = "sim-1";
  config.kind = "sim";
  config.sim = sim;
  return config;
}

generation_request request(std::string prompt, schema::Purpose purpose = schema::Purpose::STEP,
                           std::uint64_t id = 1) {
  return {.id = id,
          .purpose = purpose,
          .messages = {{schema::Role::USER, std::move(prompt)}},
          .max_tokens = 100};
}

generation ask(sim_backend& backend, const std::string& prompt,
               schema::Purpose purpose = schema::Purpose::STEP) {
  auto progress = backend.start(request(prompt, purpose));
  if (std::holds_alternative<microseconds>(progress)) progress = backend.resume(1);
  auto* done = std::get_if<generation>(&progress);
  EXPECT_NE(done, nullptr);
  return done == nullptr ? generation{} : *done;
}

TEST(sim_backend, AnswersAndSaysThatItIsSimulated) {
  sim_backend backend{with({})};
  EXPECT_TRUE(backend.status().simulated);
  EXPECT_EQ(backend.status().weight_version, "1");
  auto result = ask(backend, "add 12 7");
  EXPECT_EQ(result.code, errc::unknown);
  EXPECT_EQ(result.finish, schema::Finish::STOP);
  EXPECT_EQ(result.text, "[simulated] add 12 7");
  EXPECT_EQ(result.prompt_tokens, 2u);
  EXPECT_EQ(result.completion_tokens, 5u);
}

TEST(sim_backend, TakesItsWeightVersionFromTheConfig) {
  auto config = with({});
  config.weight_version = "v9";
  EXPECT_EQ(sim_backend{config}.status().weight_version, "v9");
}

TEST(sim_backend, DirectivesWordTheReply) {
  sim_backend backend{with({})};
  EXPECT_EQ(ask(backend, R"(do this @sim {"reply":"42"})").text, "42");
  EXPECT_EQ(ask(backend, "@sim {\"reply\":\"\"}\nmore").text, "");
  EXPECT_EQ(ask(backend, R"(@sim {"reply":"grün \u4e16"})").text, "grün 世");
  auto counted = ask(backend, R"(@sim {"reply":"twelve bytes","tokens":20})");
  EXPECT_EQ(counted.text, "twelve bytes");
  EXPECT_EQ(counted.completion_tokens, 20u);
  EXPECT_EQ(ask(backend, R"(@sim {"reply":"a","cut":true})").finish, schema::Finish::LENGTH);
}

TEST(sim_backend, DirectivesMakeItFail) {
  sim_backend backend{with({})};
  for (auto code : {errc::invalid_argument, errc::overloaded, errc::unavailable,
                    errc::deadline_exceeded, errc::engine_failed, errc::invalid_output}) {
    auto result = ask(backend, std::string{R"(@sim {"error":")"} + to_string(code) + R"("})");
    EXPECT_EQ(result.code, code);
    EXPECT_EQ(result.finish, schema::Finish::ERROR);
    EXPECT_TRUE(result.text.empty());
    EXPECT_FALSE(result.error.empty());
  }
}

TEST(sim_backend, DirectivesMakeOnlyTheFirstCallsFail) {
  sim_backend backend{with({})};
  const std::string prompt = R"(@sim {"error":"engine_failed","fail_first":2,"reply":"ok"})";
  EXPECT_EQ(ask(backend, prompt).code, errc::engine_failed);
  EXPECT_EQ(ask(backend, prompt + " ").code, errc::engine_failed) << "counted by prompt";
  EXPECT_EQ(ask(backend, prompt).code, errc::engine_failed);
  EXPECT_EQ(ask(backend, prompt).text, "ok");
  EXPECT_EQ(ask(backend, prompt).text, "ok");
}

TEST(sim_backend, BadDirectivesSayWhatIsWrong) {
  sim_backend backend{with({})};
  for (auto bad : {"@sim ", "@sim {", "@sim [1]", "@sim 7", "@sim {\"reply\":\n\"x\"}",
                   R"(@sim {"error":"nope"})", R"(@sim {"reply":"x"} and more)"}) {
    auto result = ask(backend, bad);
    EXPECT_EQ(result.code, errc::invalid_argument) << bad;
    EXPECT_NE(result.error.find("@sim"), std::string::npos);
  }
  EXPECT_EQ(ask(backend, std::string{"@sim "} + std::string(100'000, '[')).code,
            errc::invalid_argument);
}

TEST(sim_backend, DirectivesOfWrongTypesAreIgnored) {
  auto wish =
      parse_sim_directive(R"(@sim {"reply":7,"ms":"long","fail_first":-1,"cut":"no","other":1})");
  EXPECT_TRUE(wish.problem.empty());
  EXPECT_FALSE(wish.has_reply);
  EXPECT_LT(wish.ms, 0);
  EXPECT_EQ(wish.fail_first, 0u);
  EXPECT_FALSE(wish.cut);
  EXPECT_TRUE(parse_sim_directive("nothing here").problem.empty());
  EXPECT_EQ(parse_sim_directive(R"(@sim {"ms":-5})").ms, 0);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"ms":1e300})").ms, 24.0 * 3600 * 1000);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"fail_first":18446744073709551615})").fail_first, 1000u);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"difficulty":7})").difficulty, 1);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"tokens":1e9})").tokens, 0u);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"tokens":99999999999})").tokens, 1'000'000u);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"usage":-1})").usage, 0);
  EXPECT_EQ(parse_sim_directive(R"(@sim {"cut_after":-3})").cut_after, -1);
}

TEST(sim_backend, SaysHowLongACallTakes) {
  sim_backend backend{with({.first_token = microseconds{1'000}, .per_token = microseconds{10}})};
  auto progress = backend.start(request("add 12 7"));
  ASSERT_TRUE(std::holds_alternative<microseconds>(progress));
  EXPECT_EQ(std::get<microseconds>(progress), microseconds{1'050});
  auto done = backend.resume(1);
  ASSERT_TRUE(std::holds_alternative<generation>(done));
  EXPECT_EQ(std::get<generation>(done).text, "[simulated] add 12 7");
  EXPECT_TRUE(std::holds_alternative<generation_pending>(backend.resume(1))) << "it is over";
}

TEST(sim_backend, DirectivesNameTheTimeWhichIsScaled) {
  sim_backend backend{with({.first_token = microseconds{1}, .time_scale = 0.5})};
  auto progress = backend.start(request(R"(@sim {"ms":120})"));
  ASSERT_TRUE(std::holds_alternative<microseconds>(progress));
  EXPECT_EQ(std::get<microseconds>(progress), microseconds{60'000});
  EXPECT_TRUE(
      std::holds_alternative<generation>(backend.start(request(R"(@sim {"ms":0})", {}, 2))));
}

TEST(sim_backend, CancelsWhatIsUnderWay) {
  sim_backend backend{with({.first_token = microseconds{1'000}})};
  ASSERT_TRUE(std::holds_alternative<microseconds>(backend.start(request("x"))));
  auto cancelled = backend.cancel(1);
  ASSERT_TRUE(std::holds_alternative<generation>(cancelled));
  EXPECT_EQ(std::get<generation>(cancelled).code, errc::cancelled);
  EXPECT_EQ(std::get<generation>(cancelled).finish, schema::Finish::CANCELLED);
  EXPECT_TRUE(std::holds_alternative<generation_pending>(backend.cancel(1)));
  EXPECT_TRUE(std::holds_alternative<generation_pending>(backend.resume(1)));
  EXPECT_TRUE(std::holds_alternative<generation_pending>(backend.cancel(99)));
}

TEST(sim_backend, ErrorsComeAtTheirRateAndUnderTheirSeed) {
  auto errors = [](std::uint64_t seed, double rate) {
    sim_backend backend{with({.seed = seed, .error_rate = rate})};
    std::string seen;
    for (int i = 0; i < 2'000; ++i) seen += ask(backend, "x").code == errc::unknown ? '.' : 'E';
    return seen;
  };
  auto first = errors(1, 0.25);
  EXPECT_EQ(errors(1, 0.25), first);
  EXPECT_NE(errors(2, 0.25), first);
  auto share = static_cast<double>(std::count(first.begin(), first.end(), 'E')) / 2'000;
  EXPECT_NEAR(share, 0.25, 0.05);
  EXPECT_EQ(errors(1, 0).find('E'), std::string::npos);
  EXPECT_EQ(errors(1, 1).find('.'), std::string::npos);
}

TEST(sim_backend, PlansAsManyStepsAsItIsTold) {
  for (std::uint32_t steps : {1u, 8u, 64u}) {
    sim_backend backend{with({.plan_steps = steps})};
    auto text = ask(backend, "a goal", schema::Purpose::PLAN).text;
    plan::plan_parser parser;
    std::vector<plan::step> parsed;
    ASSERT_EQ(parser.feed(text, parsed), nullptr);
    EXPECT_TRUE(std::holds_alternative<plan::answer>(parser.finish()));
    EXPECT_EQ(parsed.size(), steps);
    for (const auto& step : parsed) EXPECT_TRUE(step.depends_on.empty());
  }
}

TEST(sim_backend, ADirectiveMayWordThePlanToo) {
  sim_backend backend{with({})};
  EXPECT_EQ(ask(backend, R"(@sim {"reply":"no plan"})", schema::Purpose::PLAN).text, "no plan");
}

TEST(sim_backend, RepliesAreUtf8WhereverThePromptIsCut) {
  sim_backend backend{with({})};
  for (std::size_t padding = 0; padding < 5; ++padding) {
    std::string prompt(padding, 'x');
    while (prompt.size() < 100) prompt += "世";
    EXPECT_TRUE(is_valid_utf8(ask(backend, prompt).text)) << padding;
  }
}

TEST(sim_backend, RefusesARequestWithoutMessages) {
  sim_backend backend{with({})};
  auto progress = backend.start({.id = 1});
  ASSERT_TRUE(std::holds_alternative<generation>(progress));
  EXPECT_EQ(std::get<generation>(progress).code, errc::invalid_argument);
}

}  // namespace
}  // namespace tandem
