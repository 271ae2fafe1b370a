#include "actors/job/plan/plan_parser.hpp"

#include <gmock/gmock.h>

#include "plan_testing.hpp"

namespace tandem::plan::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view sample =
    "Sure, here is {my} plan:\n```json\n"
    "{ \"thought\" : {\"a\":[1,\"}\"]},\n"
    "  \"steps\": [\n"
    "    {\"id\":1,\"kind\":\"calc\",\"prompt\":\"add 12 7\",\"depends_on\":[]},\n\n"
    "    {\"depends_on\":[1],\"note\":[{}],\"prompt\":\"say \\\"}]\\\" \\\\ \\u00e9\\ud83d\\ude00 "
    "\xc3\xa9\xf0\x9f\x98\x80 {{1}} (1)\",\"id\":12,\"kind\":\"cmp\",\n"
    "     \"check\":{ \"regex\" : \"^\\\\d+}$\" } "
    "}\r\n\t,{\"id\":3,\"prompt\":\"x\",\"depends_on\":[12,1]}\n"
    "  ],\n  \"answer\" : { \"compose\": \"so {{12}}) and {{3}}}\" } }\n```\nHope {this} helps \"";

TEST(PlanParser, ReadsTheExampleOfTheLanguage) {
  const auto seen = parse(
      R"({"steps":[{"id":1,"kind":"calc","prompt":"add 12 7","depends_on":[]},)"
      R"({"id":2,"kind":"cmp","prompt":"max {{1}} 9","depends_on":[1],"check":{"number":true}}],"answer":2})");
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_THAT(seen.steps,
              ElementsAre(step{1, "calc", "add 12 7", {}, "", ""},
                          step{2, "cmp", "max {{1}} 9", {1}, R"({"number":true})", ""}));
  EXPECT_EQ(seen.final_answer, (answer{2, "", {2}}));
}

TEST(PlanParser, ReadsWhatIsHardToRead) {
  const auto seen = parse(sample);
  ASSERT_FALSE(seen.error) << seen.error->message;
  ASSERT_THAT(seen.steps, SizeIs(3));
  EXPECT_EQ(seen.steps[1].prompt,
            "say \"}]\" \\ \xc3\xa9\xf0\x9f\x98\x80 \xc3\xa9\xf0\x9f\x98\x80 {{1}} (1)");
  EXPECT_EQ(seen.steps[1].check_json, R"({ "regex" : "^\\d+}$" })");
  EXPECT_EQ(seen.steps[1].id, 12U);
  EXPECT_THAT(seen.steps[2].depends_on, ElementsAre(12U, 1U));
  EXPECT_EQ(seen.final_answer->compose, "so {{12}}) and {{3}}}");
  EXPECT_THAT(seen.final_answer->depends_on, ElementsAre(12U, 3U));
}

TEST(PlanParser, GivesTheSameForEveryCut) {
  const auto whole = parse(sample);
  for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
    plan_parser parser;
    std::vector<step> steps;
    (void)parser.feed(sample.substr(0, cut), steps);
    (void)parser.feed(sample.substr(cut), steps);
    ASSERT_EQ(finish(parser, std::move(steps)), whole) << "cut at " << cut;
  }
}

TEST(PlanParser, GivesTheSameByteByByte) {
  EXPECT_EQ(parse_in_pieces(sample, 1), parse(sample));
}

TEST(PlanParser, GivesTheSameErrorForEveryPieceSize) {
  const std::string broken = chain_plan(3) + "x";
  const std::string text = broken.substr(0, broken.size() - 3) + ",{\"id\":9,\"prompt\":\"\"}]}";
  const auto whole = parse(text);
  EXPECT_EQ(error_of(whole).code, plan_errc::empty_prompt);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    ASSERT_EQ(parse_in_pieces(text, piece), whole);
  }
}

TEST(PlanParser, EmitsAStepWithItsClosingBrace) {
  plan_parser parser;
  std::vector<step> steps;
  ASSERT_EQ(parser.feed(R"({"steps":[{"id":1,"prompt":"a")", steps), nullptr);
  EXPECT_THAT(steps, IsEmpty());
  ASSERT_EQ(parser.feed("}", steps), nullptr);
  EXPECT_THAT(steps, SizeIs(1));
  EXPECT_FALSE(parser.complete());
}

TEST(PlanParser, EmitsAllStepsOfOnePiece) {
  plan_parser parser;
  std::vector<step> steps;
  // Two lines in one token: neither may get lost.
  ASSERT_EQ(parser.feed("{\"steps\":[{\"id\":1,\"prompt\":\"a\"", steps), nullptr);
  ASSERT_EQ(parser.feed("}\n\n,{\"id\":2,\"prompt\":\"b\"}\n\n,", steps), nullptr);
  EXPECT_THAT(steps, SizeIs(2));
}

TEST(PlanParser, SaysWhenThePlanIsCompleteAndIgnoresTheRest) {
  plan_parser parser(limits{.plan_bytes_max = 200});
  std::vector<step> steps;
  ASSERT_EQ(parser.feed(chain_plan(2), steps), nullptr);
  EXPECT_TRUE(parser.complete());
  const auto work = parser.work_bytes();
  EXPECT_EQ(parser.feed(std::string(100'000, '{'), steps), nullptr);
  EXPECT_EQ(parser.work_bytes(), work);
  EXPECT_THAT(steps, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<answer>(parser.finish()));
}

TEST(PlanParser, AnswersWithTheLastStepByDefault) {
  const auto seen = parse(R"({"steps":[{"id":7,"prompt":"a"},{"id":3,"prompt":"b"}]})");
  ASSERT_FALSE(seen.error);
  EXPECT_EQ(seen.final_answer, (answer{3, "", {3}}));
  EXPECT_EQ(parse(R"({"answer":null,"steps":[{"id":7,"prompt":"a"}]})").final_answer,
            (answer{7, "", {7}}));
}

TEST(PlanParser, TakesTheAnswerBeforeTheSteps) {
  const auto seen = parse(R"({"answer":1,"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"b"}]})");
  ASSERT_FALSE(seen.error);
  EXPECT_EQ(seen.final_answer, (answer{1, "", {1}}));
}

TEST(PlanParser, TakesIdsAboveNineAndInAnyOrder) {
  const auto seen = parse(
      R"({"steps":[{"id":10,"prompt":"a"},{"id":1000000,"prompt":"{{10}}","depends_on":[10]},)"
      R"({"id":4,"prompt":"b {{1000000}}","depends_on":[1000000,10]}],"answer":4})");
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_THAT(seen.steps[2].depends_on, ElementsAre(1000000U, 10U));
}

TEST(PlanParser, KeepsTextWithClosingBracketsWhole) {
  const auto seen = parse(
      R"({"steps":[{"id":1,"prompt":"f(x) = (a) } ] \"{\" $1"}],"answer":{"compose":"(a) b) c } {{1}}"}})");
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_EQ(seen.steps[0].prompt, "f(x) = (a) } ] \"{\" $1");
  EXPECT_EQ(seen.final_answer->compose, "(a) b) c } {{1}}");
}

TEST(PlanParser, LeavesUndeclaredPlaceholdersAsText) {
  const auto seen = parse(one_step(R"("id":1,"prompt":"{{2}} {{1}} {x}")"));
  ASSERT_FALSE(seen.error);
  EXPECT_EQ(seen.steps[0].prompt, "{{2}} {{1}} {x}");
}

TEST(PlanParser, IgnoresUnknownKeysAndTakesNullForOptionalOnes) {
  const auto seen = parse(one_step(
      R"("id":1,"why":"x","why":"y","prompt":"a","kind":null,"depends_on":null,"check":null,"tool":null)"));
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_THAT(seen.steps, ElementsAre(step{1, "", "a", {}, "", ""}));
}

TEST(PlanParser, DropsRepeatedDependencies) {
  const auto seen =
      parse(R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"b","depends_on":[1,1,1]}]})");
  ASSERT_FALSE(seen.error);
  EXPECT_THAT(seen.steps[1].depends_on, ElementsAre(1U));
}

TEST(PlanParser, ReadsKeysWrittenWithEscapes) {
  const auto seen =
      parse(R"({"st\u0065ps":[{"\u0069d":1,"prompt":"a","ch\u0065ck":{"exact": "7"}  }]})");
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_EQ(seen.steps[0].check_json, R"({"exact": "7"})");
}

TEST(PlanParser, AcceptsOnlyToolsOfTheGivenSet) {
  const std::vector<std::string> tools{"search", "python"};
  const auto text = one_step(R"("id":1,"prompt":"a","tool":"search")");
  EXPECT_EQ(parse(text, {}, {}, tools).steps.at(0).tool, "search");
  const auto error = error_of(parse(text));
  EXPECT_EQ(error.code, plan_errc::unknown_tool);
  EXPECT_THAT(error.message, ::testing::HasSubstr("\"search\""));
  const auto other = error_of(parse(one_step(R"("id":1,"prompt":"a","tool":"rm")"), {}, {}, tools));
  EXPECT_EQ(other.code, plan_errc::unknown_tool);
  EXPECT_THAT(other.message, ::testing::HasSubstr("python, search"));
}

TEST(PlanParser, ReadsAThousandSteps) {
  const auto seen = parse(chain_plan(1000), limits{.steps_max = 1000});
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_THAT(seen.steps, SizeIs(1000));
  EXPECT_EQ(seen.final_answer->step_id, 1000U);
}

TEST(PlanParser, WorkIsLinearInTheBytesWhateverThePieces) {
  const std::string text = R"({"steps":[{"id":1,"prompt":")" + std::string(60'000, 'a') +
                           R"("}],"x":")" + std::string(60'000, 'b') + R"("})";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{12}, text.size()}) {
    plan_parser parser;
    std::vector<step> steps;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_EQ(parser.feed(std::string_view(text).substr(at, piece), steps), nullptr);
    }
    EXPECT_TRUE(parser.complete());
    EXPECT_LE(parser.work_bytes(), 2 * text.size());
  }
}

}  // namespace
}  // namespace tandem::plan::testing
