#include "actors/engine/replay/replay_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "actors/engine/make_backend.hpp"
#include "schema/text.hpp"
#include "tests/unit/engine/sim/paced_harness.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto small_model = "mistralai/Mixtral-8x7B-Instruct-v0.1";
constexpr auto large_model = "gpt-4-1106-preview";
constexpr auto robe =
    "A robe takes 2 bolts of blue fiber and half that much white fiber.  How many bolts in total "
    "does it take?";

std::filesystem::path sample() {
  return std::filesystem::path{TANDEM_SOURCE_DIR} / "tests/data/routellm/gsm8k_responses.csv";
}

engine_config recorded(const std::string& column, const sim_config& times = {}) {
  engine_config config;
  config.name = "replay-1";
  config.kind = "replay";
  config.model = "some-model";
  config.sim = times;
  config.replay = {.answers = sample(), .column = column};
  return config;
}

generation ask(backend& server, std::vector<generation_request::turn> messages,
               std::uint32_t max_tokens = 4096) {
  virtual_engine engine;
  engine.start(server, {.id = 1, .messages = std::move(messages), .max_tokens = max_tokens});
  engine.run(server);
  EXPECT_EQ(engine.ends.count(1), 1u);
  return engine.ends[1].result;
}

std::string problem_of(const engine_config& config) {
  auto opened = make_backend(config, {}, {});
  return opened ? std::string{} : message_of(opened.error());
}

std::string parse_problem(std::string_view csv) {
  auto parsed = recorded_answers::parse(csv, "m");
  return parsed ? std::string{} : message_of(parsed.error());
}

TEST(replay, AnswersWithWhatEachModelOnceSaid) {
  auto small = make_backend(recorded(small_model), {}, {});
  auto large = make_backend(recorded(large_model), {}, {});
  ASSERT_TRUE(small) << message_of(small.error());
  ASSERT_TRUE(large) << message_of(large.error());
  auto first = ask(**small, {{schema::Role::USER, robe}});
  EXPECT_EQ(first.code, errc::unknown);
  EXPECT_EQ(first.finish, schema::Finish::STOP);
  EXPECT_THAT(first.text, HasSubstr("<<5/2=2.5>>2.5 bolts"));
  auto second = ask(**large, {{schema::Role::USER, robe}});
  EXPECT_THAT(second.text, HasSubstr("1 bolt of white fiber = 2 + 1 = 3 bolts"));
  EXPECT_EQ(second.prompt_tokens, tokens_in(std::string{robe}.size()));
  EXPECT_EQ(second.completion_tokens, tokens_in(second.text.size()));
}

TEST(replay, FindsThePromptAsTheLastUserMessage) {
  auto server = make_backend(recorded(large_model), {}, {});
  ASSERT_TRUE(server);
  auto padded = std::string{"\n  "} + robe + " \n";
  EXPECT_EQ(ask(**server, {{schema::Role::SYSTEM, "be brief"},
                           {schema::Role::USER, "hello"},
                           {schema::Role::ASSISTANT, "hello"},
                           {schema::Role::USER, padded}})
                .code,
            errc::unknown);
}

TEST(replay, RefusesWhatWasNotRecorded) {
  auto server = make_backend(recorded(large_model), {}, {});
  ASSERT_TRUE(server);
  for (auto prompt : {"A robe takes 3 bolts.", "", "A robe takes 2 bolts of blue fiber"}) {
    auto result = ask(**server, {{schema::Role::USER, prompt}});
    EXPECT_EQ(result.code, errc::invalid_argument);
    EXPECT_THAT(result.error, HasSubstr("was recorded"));
  }
  EXPECT_EQ(ask(**server, {{schema::Role::SYSTEM, robe}}).code, errc::invalid_argument);
  EXPECT_EQ(ask(**server, {}).code, errc::invalid_argument);
}

TEST(replay, LongAnswersAreCutAtTheTokenLimit) {
  auto server = make_backend(recorded(large_model), {}, {});
  ASSERT_TRUE(server);
  auto result = ask(**server, {{schema::Role::USER, robe}}, 10);
  EXPECT_EQ(result.finish, schema::Finish::LENGTH);
  EXPECT_EQ(result.completion_tokens, 10u);
  EXPECT_LE(result.text.size(), 40u);
}

TEST(replay, TakesItsTimesFromTheProfileAndStreams) {
  virtual_engine engine;
  auto server = make_backend(recorded(large_model, {.first_token = 100ms, .per_token = 20ms}), {},
                             engine.sink());
  ASSERT_TRUE(server);
  engine.start(**server, {.id = 1, .messages = {{schema::Role::USER, robe}}, .max_tokens = 4096});
  engine.run(**server);
  const auto& end = engine.ends.at(1);
  EXPECT_EQ(end.at, 100ms + 20ms * end.result.completion_tokens);
  EXPECT_EQ(engine.text_of(1), end.result.text);
  EXPECT_GT(engine.texts.at(1).size(), 10u);
}

TEST(replay, SaysThatItIsSimulated) {
  auto server = make_backend(recorded(large_model), {}, {});
  ASSERT_TRUE(server);
  auto status = (*server)->status();
  EXPECT_TRUE(status.simulated);
  EXPECT_EQ(status.weight_version, "recorded");
  EXPECT_EQ(status.server, "recorded answers");
}

TEST(replay, KnowsWhichAnswersWereRight) {
  auto answers = recorded_answers::load(sample(), small_model);
  ASSERT_TRUE(answers) << message_of(answers.error());
  EXPECT_EQ(answers->size(), 40u);
  ASSERT_NE(answers->find(robe), nullptr);
  EXPECT_TRUE(answers->find(robe)->right);
  auto csv = "prompt,m,m_response\na,True,1\nb,False,2\n a ,False,3\n\n";
  auto parsed = recorded_answers::parse(csv, "m");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->size(), 2u);
  EXPECT_EQ(parsed->find("a")->text, "1") << "the first of two";
  EXPECT_FALSE(parsed->find("b")->right);
}

TEST(replay, TheColumnIsTheModelsNameByDefault) {
  auto config = recorded("");
  EXPECT_THAT(problem_of(config), HasSubstr("there is no column 'some-model'"));
  EXPECT_THAT(problem_of(config), HasSubstr(large_model)) << "and names those that there are";
  config.model = large_model;
  EXPECT_EQ(problem_of(config), "");
}

TEST(replay, FilesThatCannotBeUsedSayWhy) {
  auto config = recorded(large_model);
  config.replay.answers = "";
  EXPECT_THAT(problem_of(config), HasSubstr("engine 'replay-1': set replay.answers"));
  for (auto path : {"/no/such/file.csv", "/", "/dev/zero"}) {
    config.replay.answers = path;
    EXPECT_THAT(problem_of(config), HasSubstr("no such file")) << path;
  }
}

TEST(replay, HostileTablesAreRefusedWithTheirLine) {
  for (auto [csv, why] :
       {std::pair{"", "empty"},
        {"\n", "no column 'prompt'"},
        {"prompt,m\n", "'m_response'"},
        {"prompt,m,m_response\n", "no row"},
        {"prompt,m,m,m_response\na,True,True,x", "more than"},
        {"prompt,m,m_response\na,True\n", "line 2: the row has 2 fields"},
        {"prompt,m,m_response\na,True,x\nb,yes,x\n", "line 3: column 'm' must be True or False"},
        {"prompt,m,m_response\na,True,\"x\n", "line 2: a quoted field"}})
    EXPECT_THAT(parse_problem(csv), HasSubstr(why)) << csv;
  EXPECT_NE(parse_problem(std::string(5'000'000, ',')), "");
  EXPECT_NE(parse_problem(std::string(5'000'000, '"')), "");
  EXPECT_NE(parse_problem(std::string(5'000'000, '\n')), "");
}

TEST(replay, AnswersAreUtf8) {
  auto parsed = recorded_answers::parse("prompt,m,m_response\na,True,x\xff\n", "m");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("a")->text, "x\xEF\xBF\xBD");
}

}  // namespace
}  // namespace tandem
