// The check that a job was submitted with: of whatever becomes its answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

const std::string two_steps = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}});

job_driver checked(schema::PlanMode mode, const std::string& plan = two_steps) {
  job_driver job{
      {submitted_record(mode, "the goal", 0, {.check_kind = "regex", .check_argument = "r.*"})}, 1};
  job.plan_text = plan;
  return job;
}

/// All steps are done, and the answer is to be verified.
void to_verification(job_driver& job) {
  job.pump();
  for (auto step : {0u, 1u, 2u}) {
    job.answer_step(step, job.default_reply(*job.waiting().at(0).read()));
    job.commit_all();
  }
  ASSERT_EQ(job.waiting().size(), 1u);
  ASSERT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::VERIFY);
}

reply verified(const job_driver& job) {
  return {.text = prompt_of(*job.waiting().at(0).read())};
}

TEST(job_answer_check, AStepsResultIsVerifiedBeforeItIsTheAnswer) {
  auto job = checked(schema::PlanMode::PLAN_ACT);
  to_verification(job);
  auto attempt = job.waiting()[0].read();
  EXPECT_EQ(attempt->getFence().getStep(), 0u);
  EXPECT_EQ(view(attempt->getCheck().getKind()), "regex");
  EXPECT_EQ(view(attempt->getCheck().getArgument()), "r.*");
  ASSERT_EQ(attempt->getMessages().size(), 3u) << "the goal's two, and what is to be verified";
  EXPECT_EQ(view(attempt->getMessages()[1].getContent()), "the goal");
  EXPECT_EQ(attempt->getMessages()[2].getRole(), schema::Role::ASSISTANT);
  EXPECT_EQ(view(attempt->getMessages()[2].getContent()), "r(b r(a))");
  EXPECT_EQ(job.state().state(), schema::JobState::RUNNING);
  job.answer_step(0, verified(job));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
  EXPECT_EQ(job.sent_for(0), 2u) << "the plan and one verification";
}

TEST(job_answer_check, WithoutACheckNothingIsVerified) {
  job_driver job{two_steps};
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.sent_for(0), 1u);
}

TEST(job_answer_check, AnAnswerThatDoesNotFitBringsANewPlanThenFailure) {
  auto job = checked(schema::PlanMode::PLAN_ACT);
  to_verification(job);
  job.answer_step(0, failure(errc::invalid_output, "it does not match"));
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 2u);
  ASSERT_EQ(job.waiting().size(), 1u);
  auto plan = job.waiting()[0].read();
  EXPECT_EQ(plan->getPurpose(), schema::Purpose::PLAN);
  EXPECT_THAT(std::string{view(plan->getPlanError())}, HasSubstr("it does not match"));
  job.plan_text = plan_of({{3, "c", {}}});
  job.answer_step(0, {.text = job.plan_text});
  job.commit_all();
  job.answer_step(3, {.text = "third"});
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(prompt_of(*job.waiting()[0].read()), "third");
  job.answer_step(0, failure(errc::invalid_output, "still not"));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().reason(), "the verification of the answer failed: still not");
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::INVALID_OUTPUT);
}

TEST(job_answer_check, ABrokenCheckIsTriedAgainAndThenFails) {
  auto job = checked(schema::PlanMode::PLAN_ACT);
  to_verification(job);
  job.answer_step(0, failure(errc::engine_failed, "no verdict"));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::VERIFY);
  job.answer_step(0, failure(errc::engine_failed, "no verdict"));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_THAT(std::string{job.state().reason()}, HasSubstr("no verdict"));
  EXPECT_EQ(job.state().epoch(), 1u) << "the plan is not to blame";
}

TEST(job_answer_check, ABusyJudgeIsWaitedForAsLongAsItAsks) {
  auto job = checked(schema::PlanMode::PLAN_ACT);
  to_verification(job);
  auto busy = failure(errc::overloaded, "busy");
  busy.retry_after_ms = 1'234;
  busy.prompt_tokens = 0;
  busy.cost_nanousd = 0;
  auto before = job.journal().size();
  job.answer_step(0, busy);
  EXPECT_TRUE(job.wants_wake());
  EXPECT_EQ(job.wait_ms_min(), 1'234u);
  EXPECT_TRUE(job.waiting().empty());
  EXPECT_EQ(job.journal().size(), before);
  job.wake();
  ASSERT_EQ(job.waiting().size(), 1u);
  job.answer_step(0, verified(job));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_answer_check, IsRememberedAfterACrash) {
  auto job = checked(schema::PlanMode::PLAN_ACT);
  to_verification(job);
  job.crash();
  job.pump();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::VERIFY);
  job.answer_step(0, verified(job));
  job.crash();
  job.pump();
  job.answer_step(0, verified(job));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_answer_check, AComposedAnswerIsCheckedWhereItIsWritten) {
  auto job =
      checked(schema::PlanMode::PLAN_ACT, plan_of({{1, "a", {}}}, R"({"compose":"sum {{1}}"})"));
  job.pump();
  for (auto step : {0u, 1u}) {
    job.answer_step(step, job.default_reply(*job.waiting().at(0).read()));
    job.commit_all();
  }
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::COMPOSE);
  EXPECT_EQ(view(job.waiting()[0].read()->getCheck().getKind()), "regex");
  job.answer_step(0, {.text = "r"});
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().answer(), "r");
}

TEST(job_answer_check, ADirectAnswerIsCheckedWhereItIsWritten) {
  auto job = checked(schema::PlanMode::SMALL);
  job.pump();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::ANSWER);
  EXPECT_EQ(view(job.waiting()[0].read()->getCheck().getKind()), "regex");
  for (int i = 0; i < 2; ++i) {
    job.answer_step(0, failure(errc::invalid_output, "it does not match"));
    job.commit_all();
  }
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().reason(), "the answer failed: it does not match");
}

}  // namespace
}  // namespace tandem::testing
