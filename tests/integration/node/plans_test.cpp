// Plans as a hostile or confused model writes them: the job ends with the reason, in bounded time.

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

constexpr std::chrono::seconds bounded{30};

struct bad_plan {
  const char* name;
  std::string plan;
  /// Part of the reason.
  const char* reason;
};

class BadPlan : public SimNode, public ::testing::WithParamInterface<bad_plan> {};

TEST_P(BadPlan, FailsTheJobWithTheReason) {
  auto job = submit(at(), goal_with_plan(GetParam().plan));
  auto end = wait_end(at(), job, bounded);
  EXPECT_EQ(end.state, "failed") << end.answer;
  EXPECT_THAT(end.reason, ::testing::HasSubstr("plan"));
  EXPECT_THAT(end.reason, ::testing::HasSubstr(GetParam().reason));
  EXPECT_LT(end.reason.size(), 2'000u);
  // The node goes on.
  EXPECT_EQ(wait_end(at(), submit(at(), "another")).state, "done");
}

std::string steps(std::string_view list) {
  return "{\"steps\":[" + std::string{list} + "]}";
}

std::string many_steps(int count) {
  std::string list;
  for (int i = 1; i <= count; ++i)
    list += (i == 1 ? "" : ",") + (R"({"id":)" + std::to_string(i)) + R"(,"prompt":"p"})";
  return steps(list);
}

INSTANTIATE_TEST_SUITE_P(
    Plans, BadPlan,
    ::testing::Values(
        bad_plan{"NoJson", "I cannot do that.", ""}, bad_plan{"Empty", "", ""},
        bad_plan{"Cut", R"({"steps":[{"id":1,"prompt":"p")", ""},
        bad_plan{"NoSteps", R"({"steps":[]})", "step"},
        bad_plan{"Itself", steps(R"({"id":1,"prompt":"{{1}}","depends_on":[1]})"), "1"},
        bad_plan{
            "Cycle",
            steps(
                R"({"id":1,"prompt":"{{2}}","depends_on":[2]},{"id":2,"prompt":"{{1}}","depends_on":[1]})"),
            "2"},
        bad_plan{"UnknownReference", steps(R"({"id":1,"prompt":"{{7}}","depends_on":[7]})"), "7"},
        bad_plan{"DuplicateId", steps(R"({"id":1,"prompt":"a"},{"id":1,"prompt":"b"})"), "1"},
        bad_plan{"IdZero", steps(R"({"id":0,"prompt":"a"})"), "id"},
        bad_plan{"IdNegative", steps(R"({"id":-1,"prompt":"a"})"), "id"},
        bad_plan{"IdEnormous", steps(R"({"id":99999999999999999999,"prompt":"a"})"), "id"},
        bad_plan{"AnswerUnknown", R"({"steps":[{"id":1,"prompt":"a"}],"answer":9})", "9"},
        bad_plan{"AThousandSteps", many_steps(1'000), "256"},
        bad_plan{"Deep", steps(R"({"id":1,"prompt":"a","x":)" + std::string(5'000, '[')), ""},
        bad_plan{"Endless", steps(R"({"id":1,"prompt":")" + std::string(60'000, 'x')), ""},
        bad_plan{"EndlessProse", std::string(100'000, '.'), ""}),
    [](const auto& info) { return info.param.name; });

using Plan = SimNode;

TEST_F(Plan, OfTheMostStepsThatAreAllowedRuns) {
  auto end = wait_end(at(), submit(at(), goal_with_plan(many_steps(256))));
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.steps_done, 256u);
}

TEST_F(Plan, AChainOfAllStepsRunsInOrder) {
  std::vector<scripted_step> chain{{1, R"(@sim {"reply":"x"})", {}}};
  for (std::uint32_t i = 2; i <= 100; ++i)
    chain.push_back({i, "{{" + std::to_string(i - 1) + "}}", {i - 1}});
  auto end = wait_end(at(), submit(at(), goal_with_steps(chain)));
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.steps_done, 100u);
}

TEST_F(Plan, AResultThatLooksLikeAReferenceStaysText) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"reply":"{{2}} $1 \\1"})", {}},
                                           {2, R"(@sim {"reply":"secret"})", {}},
                                           {3, "got {{1}} here", {1, 2}}}));
  auto end = wait_end(at(), job);
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(result_of(at(), job), "[simulated] got {{2}} $1 \\1 here");
}

TEST_F(Plan, UndeclaredBracesStayText) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"reply":"one"})", {}},
                                           {2, "{{1}} {{x}} {{ 1 }} {{3}}", {1}}}));
  EXPECT_EQ(wait_end(at(), job).state, "done");
  EXPECT_EQ(result_of(at(), job), "[simulated] one {{x}} {{ 1 }} {{3}}");
}

TEST_F(Plan, AComposedAnswerIsWrittenFromTheSteps) {
  auto job =
      submit(at(), goal_with_plan(R"({"steps":[{"id":1,"prompt":"@sim {\"reply\":\"one\"}"}],)"
                                  R"("answer":{"compose":"say {{1}}"}})"));
  EXPECT_EQ(wait_end(at(), job).state, "done");
  EXPECT_EQ(result_of(at(), job), "[simulated] say one");
}

TEST_F(Plan, AStepThatSmallModelsFailClimbsToTheLargeOne) {
  auto job =
      submit(at(), goal_with_steps({{1, R"(@sim {"error":"engine_failed","fail_first":1})", {}}}));
  EXPECT_EQ(wait_end(at(), job).state, "done");
  // Each engine counts its own calls: both small ones fail once, the large one has to fail once
  // too.
  auto view = at().view(job);
  ASSERT_TRUE(view.engaged()) << why(view);
  std::vector<std::string> tiers;
  auto reader = view->read();
  for (auto attempt : reader->getAttempts())
    if (attempt.getPurpose() == schema::Purpose::STEP)
      tiers.emplace_back(tandem::view(attempt.getTier()));
  ASSERT_GE(tiers.size(), 3u);
  EXPECT_EQ(tiers[0], "small");
  EXPECT_EQ(tiers[2], "large");
}

TEST_F(Plan, AStepThatAlwaysFailsEndsTheJob) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"error":"engine_failed"})", {}}}));
  auto end = wait_end(at(), job, bounded);
  EXPECT_EQ(end.state, "failed");
  EXPECT_EQ(end.epoch, 2u);
  EXPECT_THAT(end.reason, ::testing::HasSubstr("step"));
}

TEST_F(Plan, ACutReplyIsNoResult) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"reply":"half","cut":true})", {}}}));
  auto end = wait_end(at(), job, bounded);
  EXPECT_EQ(end.state, "failed");
  EXPECT_THAT(end.reason, ::testing::HasSubstr("jobs.step_tokens_max"));
}

TEST_F(Plan, ACheckThatAlwaysFailsEndsTheJob) {
  auto job =
      submit(at(), goal_with_plan(R"({"steps":[{"id":1,"prompt":"@sim {\"reply\":\"word\"}",)"
                                  R"("check":{"kind":"number"}}]})"));
  auto end = wait_end(at(), job, bounded);
  EXPECT_EQ(end.state, "failed") << end.answer;
  EXPECT_THAT(end.reason, ::testing::HasSubstr("number"));
}

}  // namespace
}  // namespace tandem::test
