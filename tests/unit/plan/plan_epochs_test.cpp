// Ids across the epochs of one job.
#include <gmock/gmock.h>

#include "plan_testing.hpp"

namespace tandem::plan::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::uint32_t> finished{1, 3};
const id_scope later{5, finished};

TEST(PlanEpochs, AContinuingPlannerMayUseFinishedSteps) {
  const auto seen = parse(
      R"({"steps":[{"id":6,"prompt":"{{3}}","depends_on":[3]},{"id":7,"prompt":"{{1}} {{6}}",)"
      R"("depends_on":[1,6]}],"answer":{"compose":"{{1}} {{2}} {{7}}"}})",
      {}, later);
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_EQ(seen.steps[1].id, 7U);
  EXPECT_THAT(seen.steps[1].depends_on, ElementsAre(1U, 6U));
  EXPECT_EQ(seen.final_answer->compose, "{{1}} {{2}} {{7}}");
  EXPECT_THAT(seen.final_answer->depends_on, ElementsAre(1U, 7U));
}

TEST(PlanEpochs, AContinuingPlannerMayAnswerWithAFinishedStep) {
  const auto seen = parse(R"({"steps":[{"id":6,"prompt":"a"}],"answer":3})", {}, later);
  ASSERT_FALSE(seen.error);
  EXPECT_EQ(seen.final_answer->step_id, 3U);
}

TEST(PlanEpochs, RefusesUnfinishedStepsOfEarlierEpochs) {
  const auto error =
      error_of(parse(R"({"steps":[{"id":6,"prompt":"a","depends_on":[2]}]})", {}, later));
  EXPECT_EQ(error.code, plan_errc::unknown_reference);
  EXPECT_THAT(error.message, HasSubstr("earlier plan"));
}

TEST(PlanEpochs, RefusesUsedIdsInAContinuingPlan) {
  const auto error =
      error_of(parse(R"({"steps":[{"id":6,"prompt":"a"},{"id":2,"prompt":"b"}]})", {}, later));
  EXPECT_EQ(error.code, plan_errc::duplicate_id);
  EXPECT_THAT(error.message, HasSubstr("number from 6"));
}

TEST(PlanEpochs, RaisesAllIdsOfAPlannerThatStartsAtOneAgain) {
  const auto seen = parse(
      R"({"steps":[{"id":1,"prompt":"{{9}}"},{"id":2,"prompt":"{{1}} and {{1}}{{9}}","depends_on":[1]},)"
      R"({"id":8,"prompt":"x","depends_on":[2,1]}],"answer":{"compose":"{{2}}, {{4}}, {{8}}"}})",
      {}, later);
  ASSERT_FALSE(seen.error) << seen.error->message;
  EXPECT_EQ(seen.steps[0], (step{6, "", "{{9}}", {}, "", ""}));
  EXPECT_EQ(seen.steps[1], (step{7, "", "{{6}} and {{6}}{{9}}", {6}, "", ""}));
  EXPECT_THAT(seen.steps[2].depends_on, ElementsAre(7U, 6U));
  EXPECT_EQ(seen.steps[2].id, 13U);
  EXPECT_EQ(seen.final_answer->compose, "{{7}}, {{4}}, {{13}}");
  EXPECT_THAT(seen.final_answer->depends_on, ElementsAre(7U, 13U));
}

TEST(PlanEpochs, RaisesANamedAndADefaultAnswer) {
  const std::string steps = R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"b"}])";
  EXPECT_EQ(parse(steps + "}", {}, later).final_answer, (answer{7, "", {7}}));
  EXPECT_EQ(parse(steps + ",\"answer\":1}", {}, later).final_answer, (answer{6, "", {6}}));
}

TEST(PlanEpochs, ARenumberedPlanRefersToItsOwnStepsOnly) {
  // 3 has a result in an earlier epoch, but here it means the third step of this plan.
  const auto error =
      error_of(parse(R"({"steps":[{"id":1,"prompt":"a","depends_on":[3]}]})", {}, later));
  EXPECT_EQ(error.code, plan_errc::forward_reference);
  EXPECT_EQ(error.step_id, 1U);
  const auto answer = error_of(parse(R"({"steps":[{"id":1,"prompt":"a"}],"answer":3})", {}, later));
  EXPECT_EQ(answer.code, plan_errc::bad_answer);
}

TEST(PlanEpochs, RefusesTextThatRenumberingWouldTurnIntoAReference) {
  const auto error = error_of(
      parse(R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"{{1}} {{6}}","depends_on":[1]}]})",
            {}, later));
  EXPECT_EQ(error.code, plan_errc::ambiguous_placeholder);
  EXPECT_EQ(error.step_id, 2U);
  EXPECT_THAT(error.message, HasSubstr("{{6}} is not declared"));
}

TEST(PlanEpochs, RefusesIdsThatWouldGrowTooHigh) {
  const auto error =
      error_of(parse(R"({"steps":[{"id":999999,"prompt":"a"}]})", {}, id_scope{999'999, {}}));
  EXPECT_EQ(error.code, plan_errc::bad_id);
  const auto hostile =
      error_of(parse(R"({"steps":[{"id":1,"prompt":"a"}]})", {}, id_scope{0xFFFFFFFF, {}}));
  EXPECT_EQ(hostile.code, plan_errc::bad_id);
}

TEST(PlanEpochs, BoundsAPromptThatRenumberingMakesLonger) {
  std::string holes;
  for (int i = 0; i < 100; ++i) holes += "{{1}}";
  const std::string text =
      R"({"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":")" + holes + R"(","depends_on":[1]}]})";
  const auto error = error_of(parse(text, limits{.step_bytes_max = 600}, id_scope{900'000, {}}));
  EXPECT_EQ(error.code, plan_errc::step_too_large);
  EXPECT_EQ(error.step_id, 2U);
  EXPECT_FALSE(parse(text, limits{.step_bytes_max = 1'100}, id_scope{900'000, {}}).error);
}

TEST(PlanEpochs, GiveTheSameByteByByte) {
  const std::string text =
      R"({"answer":{"compose":"{{2}}"},"steps":[{"id":1,"prompt":"a"},{"id":2,"prompt":"{{1}}","depends_on":[1]}]})";
  EXPECT_EQ(parse_in_pieces(text, 1, {}, later), parse(text, {}, later));
}

}  // namespace
}  // namespace tandem::plan::testing
