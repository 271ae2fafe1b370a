#include <gmock/gmock.h>
#include <simdjson.h>

#include "plan_testing.hpp"

namespace tandem::plan::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct bad_plan {
  std::string_view name;
  std::string text;
  plan_errc code;
  std::string_view says;  // part of the message: what is wrong, or how to mend it
};

class PlanParserRefuses : public ::testing::TestWithParam<bad_plan> {};

TEST_P(PlanParserRefuses, WithACodeAPlaceAndAMessage) {
  const auto& bad = GetParam();
  const auto error = error_of(parse(bad.text));
  EXPECT_EQ(to_string(error.code), to_string(bad.code)) << error.message;
  EXPECT_THAT(error.message, HasSubstr(bad.says));
  EXPECT_THAT(error.message, HasSubstr("byte " + std::to_string(error.offset)));
  EXPECT_LE(error.offset, bad.text.size());
  EXPECT_LE(error.message.size(), 1000U);
  EXPECT_TRUE(simdjson::validate_utf8(error.message));
  EXPECT_EQ(parse_in_pieces(bad.text, 1), parse(bad.text));
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string long_dependencies() {
  std::string all = "1";
  for (int i = 0; i < 64; ++i) all += ",1";
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Plans, PlanParserRefuses,
    ::testing::Values(
        bad_plan{"nothing", "", plan_errc::not_a_plan, "no JSON object"},
        bad_plan{"prose", "I cannot {do} this.", plan_errc::not_a_plan, "write only the plan"},
        bad_plan{"endless_prose", std::string(70'000, 'a'), plan_errc::not_a_plan, "65536"},
        bad_plan{"empty_object", "{}", plan_errc::no_steps, "at least one"},
        bad_plan{"no_steps_key", R"({"answer":1})", plan_errc::no_steps, "has no steps"},
        bad_plan{"empty_steps", R"({"steps":[ ]})", plan_errc::no_steps, "has no steps"},
        bad_plan{"bare_array", R"([{"id":1,"prompt":"a"}])", plan_errc::no_steps, "\"steps\":["},
        bad_plan{"steps_object", R"({"steps":{"id":1}})", plan_errc::malformed_json, "array"},
        bad_plan{"step_number", R"({"steps":[1]})", plan_errc::malformed_json, "a step"},
        bad_plan{"cut_off", R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"pro)", plan_errc::truncated,
                 "after 1 complete"},
        bad_plan{"trailing_comma", R"({"steps":[{"id":1,"prompt":"a"},]})",
                 plan_errc::malformed_json, "found ']'"},
        bad_plan{"trailing_comma_in_plan", R"({"steps":[{"id":1,"prompt":"a"}],})",
                 plan_errc::malformed_json, "a key"},
        bad_plan{"crossed_brackets", R"({"steps":[{"id":1,"depends_on":[}]})",
                 plan_errc::malformed_json, "']'"},
        bad_plan{"missing_colon", R"({"steps" [])", plan_errc::malformed_json, "':'"},
        bad_plan{"missing_comma", R"({"steps":[{"id":1,"prompt":"a"} {"id":2}]})",
                 plan_errc::malformed_json, "',' or ']'"},
        bad_plan{"broken_step", R"({"steps":[{"id":1 "prompt":"a"}]})", plan_errc::malformed_json,
                 "broken JSON"},
        bad_plan{"broken_other", R"({"x":tru,"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::malformed_json, "tru"},
        bad_plan{"missing_value", R"({"answer":,"steps":[]})", plan_errc::malformed_json,
                 "a value"},
        bad_plan{"raw_line_break", "{\"steps\":[{\"id\":1,\"prompt\":\"a\nb\"}]}",
                 plan_errc::malformed_json, "\\n"},
        bad_plan{"bad_escape", one_step(R"("id":1,"prompt":"\x")"), plan_errc::malformed_json,
                 "JSON"},
        bad_plan{"lone_surrogate", one_step(R"("id":1,"prompt":"\ud83d")"),
                 plan_errc::malformed_json, "JSON"},
        bad_plan{"bad_utf8", one_step("\"id\":1,\"prompt\":\"a\xff\""), plan_errc::invalid_utf8,
                 "UTF-8"},
        bad_plan{"cut_utf8", one_step("\"id\":1,\"prompt\":\"a\xc3\""), plan_errc::invalid_utf8,
                 "UTF-8"},
        bad_plan{"raw_nul", one_step(std::string_view("\"id\":1,\"prompt\":\"a\0\"", 19)),
                 plan_errc::nul_character, "NUL"},
        bad_plan{"nul_between", std::string("{\"steps\":\0[]}", 13), plan_errc::nul_character,
                 "NUL"},
        bad_plan{"escaped_nul", one_step(R"("id":1,"prompt":"a\u0000")"), plan_errc::nul_character,
                 "U+0000"},
        bad_plan{"nul_in_answer",
                 R"({"answer":{"compose":"\u0000"},"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::nul_character, "compose"},
        bad_plan{"deep_step", one_step(R"("id":1,"prompt":"a","x":)" + nested(32)),
                 plan_errc::too_deep, "flat"},
        bad_plan{"deep_member", R"({"x":)" + std::string(1'000'000, '['), plan_errc::too_deep,
                 "32"},
        bad_plan{"endless_step", R"({"steps":[{"id":1,"prompt":")" + std::string(70'000, 'a'),
                 plan_errc::step_too_large, "65536"},
        bad_plan{"endless_key", R"({")" + std::string(70'000, 'a'), plan_errc::text_too_large,
                 "1024"},
        bad_plan{"endless_answer", R"({"answer":")" + std::string(70'000, 'a'),
                 plan_errc::text_too_large, "answer"},
        bad_plan{"endless_number", R"({"answer":)" + std::string(70'000, '1'),
                 plan_errc::text_too_large, "answer"},
        bad_plan{"endless_member", R"({"x":")" + std::string(1'100'000, 'a'),
                 plan_errc::plan_too_large, "1048576"},
        bad_plan{"endless_space", "{" + std::string(70'000, ' '), plan_errc::not_a_plan, "65536"},
        bad_plan{"endless_space_in_steps", R"({"steps":[)" + std::string(1'100'000, ' '),
                 plan_errc::plan_too_large, "1048576"},
        bad_plan{"too_many_steps", chain_plan(257), plan_errc::too_many_steps, "256"},
        bad_plan{"too_many_dependencies",
                 R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"b","depends_on":[)" +
                     long_dependencies() + "]}]}",
                 plan_errc::too_many_dependencies, "64"},
        bad_plan{"two_steps_keys", R"({"steps":[{"id":1,"prompt":"a"}],"steps":[]})",
                 plan_errc::duplicate_key, "\"steps\""},
        bad_plan{"two_answers", R"({"answer":1,"answer":1})", plan_errc::duplicate_key,
                 "\"answer\""},
        bad_plan{"two_ids", one_step(R"("id":1,"prompt":"a","id":1)"), plan_errc::duplicate_key,
                 "\"id\""},
        bad_plan{"two_prompts", one_step(R"("id":1,"prompt":"a","prompt":"b")"),
                 plan_errc::duplicate_key, "\"prompt\""},
        bad_plan{"two_checks", one_step(R"("id":1,"prompt":"a","check":null,"ch\u0065ck":{})"),
                 plan_errc::duplicate_key, "\"check\""},
        bad_plan{"no_id", one_step(R"("prompt":"a")"), plan_errc::missing_field, "\"id\""},
        bad_plan{"no_prompt", one_step(R"("id":1)"), plan_errc::missing_field, "\"prompt\""},
        bad_plan{"blank_prompt", one_step(R"("id":1,"prompt":" \n")"), plan_errc::empty_prompt,
                 "say what"},
        bad_plan{"null_prompt", one_step(R"("id":1,"prompt":null)"), plan_errc::wrong_type, "null"},
        bad_plan{"id_in_quotes", one_step(R"("id":"1","prompt":"a")"), plan_errc::wrong_type,
                 "without quotes"},
        bad_plan{"id_fraction", one_step(R"("id":1.5,"prompt":"a")"), plan_errc::wrong_type,
                 "whole number"},
        bad_plan{"id_zero", one_step(R"("id":0,"prompt":"a")"), plan_errc::bad_id, "from 1"},
        bad_plan{"id_negative", one_step(R"("id":-1,"prompt":"a")"), plan_errc::bad_id, "from 1"},
        bad_plan{"id_too_high", one_step(R"("id":1000001,"prompt":"a")"), plan_errc::bad_id,
                 "1000000"},
        bad_plan{"id_huge", one_step(R"("id":18446744073709551615,"prompt":"a")"),
                 plan_errc::bad_id, "1000000"},
        bad_plan{"kind_number", one_step(R"("id":1,"prompt":"a","kind":3)"), plan_errc::wrong_type,
                 "\"kind\""},
        bad_plan{"long_kind",
                 one_step(R"("id":1,"prompt":"a","kind":")" + std::string(65, 'k') + "\""),
                 plan_errc::text_too_large, "64"},
        bad_plan{"dependencies_number", one_step(R"("id":1,"prompt":"a","depends_on":1)"),
                 plan_errc::wrong_type, "[1,2]"},
        bad_plan{"dependency_text", one_step(R"("id":1,"prompt":"a","depends_on":["1"])"),
                 plan_errc::wrong_type, "without quotes"},
        bad_plan{"check_text", one_step(R"("id":1,"prompt":"a","check":"x")"),
                 plan_errc::wrong_type, "verification"},
        bad_plan{"tool_number", one_step(R"("id":1,"prompt":"a","tool":1)"), plan_errc::wrong_type,
                 "\"tool\""},
        bad_plan{"same_id_twice", R"({"steps":[{"id":1,"prompt":"a"},{"id":1,"prompt":"b"}]})",
                 plan_errc::duplicate_id, "its own"},
        bad_plan{"self_reference", one_step(R"("id":1,"prompt":"{{1}}","depends_on":[1])"),
                 plan_errc::cycle, "depends on itself"},
        bad_plan{"forward_reference",
                 R"({"steps":[{"id":1,"prompt":"a","depends_on":[2]},{"id":2,"prompt":"b"}]})",
                 plan_errc::forward_reference, "cycle"},
        bad_plan{"unknown_reference",
                 R"({"steps":[{"id":1,"prompt":"a"},{"id":9,"prompt":"b","depends_on":[1,7]}]})",
                 plan_errc::unknown_reference, "define step 7"},
        bad_plan{"answer_unknown", R"({"steps":[{"id":1,"prompt":"a"}],"answer":2})",
                 plan_errc::bad_answer, "step 2"},
        bad_plan{"answer_early_unknown", R"({"answer":2,"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::bad_answer, "not in the plan"},
        bad_plan{"answer_text", R"({"answer":"2","steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::bad_answer, "compose"},
        bad_plan{"answer_empty", R"({"answer":{},"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::bad_answer, "compose"},
        bad_plan{"answer_zero", R"({"answer":0,"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::bad_answer, "range"},
        bad_plan{"compose_twice",
                 R"({"answer":{"compose":"a","compose":"b"},"steps":[{"id":1,"prompt":"a"}]})",
                 plan_errc::duplicate_key, "\"compose\""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(PlanParserErrors, KeepTheStepsThatCameBefore) {
  plan_parser parser;
  std::vector<step> steps;
  const auto* error = parser.feed(
      R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"b"},{"id":2,"prompt":"c"},)", steps);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->step_id, 2U);
  EXPECT_THAT(steps, SizeIs(2));
}

TEST(PlanParserErrors, StayWhateverFollows) {
  plan_parser parser;
  std::vector<step> steps;
  const auto* error = parser.feed(R"({"steps":[1)", steps);
  ASSERT_NE(error, nullptr);
  const plan_error first = *error;
  EXPECT_EQ(parser.feed(chain_plan(3), steps), error);
  EXPECT_EQ(*parser.error(), first);
  EXPECT_EQ(std::get<plan_error>(parser.finish()), first);
  EXPECT_EQ(std::get<plan_error>(parser.finish()), first);
  EXPECT_THAT(steps, SizeIs(0));
  EXPECT_FALSE(parser.complete());
}

TEST(PlanParserErrors, PointAtTheByte) {
  EXPECT_EQ(error_of(parse(R"({"steps":[1])")).offset, 10U);
  EXPECT_EQ(error_of(parse(R"({"steps":[{"id":0,"prompt":"a"}]})")).offset, 10U);
}

TEST(PlanParserErrors, QuoteTheTextInValidUtf8OfBoundedLength) {
  const std::string text =
      "{\"steps\":[{\"id\":1,\"prompt\":\xc3\xa9\xf0\x9f\x98\x80" + std::string(5'000, 'x') + "}]}";
  const auto error = error_of(parse(text));
  EXPECT_EQ(error.code, plan_errc::malformed_json);
  EXPECT_TRUE(simdjson::validate_utf8(error.message));
  EXPECT_THAT(error.message, HasSubstr("\xc3\xa9\xf0\x9f\x98\x80"));
  EXPECT_LT(error.message.size(), 400U);
  for (std::size_t bytes = 0; bytes < 8; ++bytes) {
    EXPECT_TRUE(simdjson::validate_utf8(excerpt("\xf0\x9f\x98\x80\xc3\xa9z", bytes)));
    EXPECT_LE(excerpt("\xf0\x9f\x98\x80\xc3\xa9z", bytes).size(), bytes + 3);
  }
  EXPECT_EQ(excerpt("a\x01\xff"), "a??");
}

TEST(PlanParserErrors, HaveANameEach) {
  for (int code = 1; code <= static_cast<int>(plan_errc::missing_result); ++code) {
    EXPECT_NE(to_string(static_cast<plan_errc>(code)), "unknown") << code;
  }
}

}  // namespace
}  // namespace tandem::plan::testing
