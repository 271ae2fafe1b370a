// The ladder as a job climbs it: attempts that fail, and what is asked for next.

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

const std::string two_plain_steps = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}});

std::vector<std::string> excluded(const tmsg::attempt& attempt) {
  std::vector<std::string> names;
  auto reader = attempt.read();
  for (auto name : reader->getExcludedEngines()) names.emplace_back(view(name));
  return names;
}

std::string rung_of(const job_record& record) {
  return std::string{view(record.read()->getAttemptFailed().getRung())};
}

job_driver with_plan(const job_settings& settings = {}) {
  job_driver job{two_plain_steps, settings};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  return job;
}

TEST(job_ladder, ClimbsFromAnotherEngineToTheLargeTierToANewPlanToFailure) {
  auto job = with_plan();
  EXPECT_TRUE(excluded(job.waiting()[0]).empty());
  job.answer_step(1, failure(errc::engine_failed, "it broke", "small-1"));
  EXPECT_TRUE(job.waiting().empty()) << "the failure is not durable yet";
  job.commit_all();
  EXPECT_EQ(rung_of(job.journal().back()), "retry");
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(excluded(job.waiting()[0]), std::vector<std::string>{"small-1"});
  EXPECT_EQ(job.waiting()[0].read()->getTier(), "");

  job.answer_step(1, failure(errc::invalid_output, "not a number", "small-2"));
  job.commit_all();
  EXPECT_EQ(rung_of(job.journal().back()), "large");
  EXPECT_EQ(excluded(job.waiting()[0]), (std::vector<std::string>{"small-1", "small-2"}));
  EXPECT_EQ(job.waiting()[0].read()->getTier(), "large");

  job.answer_step(1, failure(errc::deadline_exceeded, "too slow", "large-1"));
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_EQ(kinds_of(job.writes()[0]), "failed epoch");
  EXPECT_EQ(rung_of(job.writes()[0][0]), "new plan");
  job.pump();
  EXPECT_TRUE(job.waiting().empty()) << "nothing is sent before the epoch is durable";
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 2u);
  ASSERT_EQ(job.waiting().size(), 1u);
  auto plan = job.waiting()[0].read();
  EXPECT_EQ(plan->getPurpose(), schema::Purpose::PLAN);
  EXPECT_EQ(plan->getFence().getEpoch(), 2u);
  EXPECT_EQ(plan->getPlanError(), "step 1 failed: too slow");

  job.answer_step(0);
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getFence().getStep(), 3u) << "ids go on";
  for (int i = 0; i < 3; ++i) {
    job.answer_step(3, failure(errc::engine_failed, "no luck"));
    job.commit_all();
  }
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().reason(), "step 3 failed: no luck");
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::ENGINE_FAILED);
}

TEST(job_ladder, KeepsFinishedStepsAcrossEpochs) {
  auto job = with_plan();
  job.answer_step(1);
  job.commit_all();
  for (int i = 0; i < 3; ++i) {
    job.answer_step(2, failure(errc::engine_failed));
    job.commit_all();
  }
  ASSERT_EQ(job.waiting().size(), 1u);
  auto plan = job.waiting()[0].read();
  EXPECT_EQ(plan->getFinished(), "1. a -> r(a)\n");
  job.plan_text = plan_of({{3, "use {{1}}", {1}}});
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().answer(), "r(use r(a))");
  EXPECT_EQ(job.sent_for(1), 1u);
  EXPECT_TRUE(job.state().find_step(2)->abandoned);
}

TEST(job_ladder, CancelsWhatTheOldPlanHadUnderWay) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  auto other = job.waiting()[1];
  for (int i = 0; i < 3; ++i) {
    job.answer_step(1, failure(errc::engine_failed));
    if (i < 2) job.commit_all();
  }
  ASSERT_EQ(job.cancels().size(), 1u);
  EXPECT_EQ(job.cancels()[0].read()->getFence().getStep(), 2u);
  EXPECT_EQ(job.cancels()[0].read()->getFence().getAttempt(),
            other.read()->getFence().getAttempt());
  // It answers all the same, before and after the new epoch is durable.
  job.answer(other, {.text = "late"});
  job.commit_all();
  job.answer(other, {.text = "late"});
  EXPECT_TRUE(job.writes().empty());
  EXPECT_FALSE(job.state().find_step(2)->done);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_ladder, WaitsOutBackPressureWithoutCounting) {
  auto job = with_plan();
  for (int i = 0; i < 50; ++i) {
    job.answer_step(1, failure(i % 2 == 0 ? errc::overloaded : errc::unavailable, "busy"));
    EXPECT_TRUE(job.writes().empty());
    ASSERT_TRUE(job.wants_wake());
    EXPECT_TRUE(job.waiting().empty());
    job.wake();
    ASSERT_EQ(job.waiting().size(), 1u);
    EXPECT_TRUE(excluded(job.waiting()[0]).empty());
  }
  job.run();
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
}

TEST(job_ladder, AStepThatWaitsIsNotSentBecauseAnotherIsDone) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}, {3, "c {{2}}", {2}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  auto busy = failure(errc::overloaded);
  busy.retry_after_ms = 2'500;
  job.answer_step(1, busy);
  EXPECT_EQ(job.wait_ms_min(), 2'500u);
  job.answer_step(2);
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u) << "others go on";
  EXPECT_EQ(job.waiting()[0].read()->getFence().getStep(), 3u);
  job.wake();
  EXPECT_EQ(job.waiting().size(), 2u);
}

TEST(job_ladder, WaitsForAPlannerThatIsBusy) {
  job_driver job{two_plain_steps};
  job.pump();
  job.answer_step(0, failure(errc::unavailable, "no planner"));
  EXPECT_TRUE(job.writes().empty());
  ASSERT_TRUE(job.wants_wake());
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_ladder, ATooLargeRequestGoesStraightToTheLargeTier) {
  auto job = with_plan();
  job.answer_step(1, failure(errc::invalid_argument, "the prompt is too long"));
  job.commit_all();
  EXPECT_EQ(rung_of(job.journal().back()), "large");
  EXPECT_EQ(job.waiting()[0].read()->getTier(), "large");
}

TEST(job_ladder, APoolThatDoesNotAnswerCountsAsAFailure) {
  auto job = with_plan();
  auto attempt = job.take(1);
  job.carry_out(job.machine().on_no_answer(attempt.read()->getFence(), errc::internal, "gone", 1));
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_EQ(job.writes()[0][0].read()->getAttemptFailed().getError().getCode(),
            schema::Errc::INTERNAL);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_ladder, ACutReplyIsAFailureThatSaysWhatToRaise) {
  auto job = with_plan();
  job.answer_step(1, {.text = "half an ans", .finish = schema::Finish::LENGTH});
  job.commit_all();
  auto failed = job.journal().back().read();
  EXPECT_EQ(failed->getAttemptFailed().getError().getCode(), schema::Errc::INVALID_OUTPUT);
  EXPECT_NE(view(failed->getAttemptFailed().getError().getMessage()).find("jobs.step_tokens_max"),
            std::string_view::npos);
  EXPECT_FALSE(job.state().find_step(1)->done);
}

TEST(job_ladder, ATooLongResultIsAFailure) {
  job_settings settings;
  settings.limits.result_bytes_max = 100;
  auto job = with_plan(settings);
  job.answer_step(1, {.text = std::string(101, 'x')});
  job.commit_all();
  EXPECT_EQ(kind_of(job.journal().back()), "failed");
  job.answer_step(1, {.text = std::string(100, 'x')});
  job.commit_all();
  EXPECT_TRUE(job.state().find_step(1)->done);
}

TEST(job_ladder, AResultThatIsNoUtf8IsMendedBeforeItIsJournaled) {
  auto job = with_plan();
  job.answer_step(1, {.text = "a\xFF\xC3z"});
  job.commit_all();
  EXPECT_EQ(job.state().find_step(1)->result, "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(job_ladder, ReasonsAreBoundedWhateverAnEngineSays) {
  auto job = with_plan();
  std::string endless(300'000, 'e');
  for (int i = 0; i < 3; ++i) {
    job.answer_step(1, failure(errc::engine_failed, endless));
    job.commit_all();
  }
  std::size_t most = 0;
  for (const auto& record : job.journal()) most = std::max(most, record.bytes().size());
  EXPECT_LT(most, 8'192u);
  EXPECT_LT(job.waiting()[0].bytes().size(), 16'384u);
}

TEST(job_ladder, AComposedAnswerClimbsToTheLargeTierAndThenFails) {
  job_driver job{plan_of({{1, "a", {}}}, R"({"compose":"{{1}}!"})")};
  job.on_attempt = [&](attempt_reader attempt) {
    return attempt.getPurpose() == schema::Purpose::COMPOSE ? failure(errc::engine_failed, "mute")
                                                            : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().reason(), "the answer failed: mute");
  std::vector<std::string> tiers;
  for (const auto& attempt : job.sent())
    if (attempt.read()->getPurpose() == schema::Purpose::COMPOSE)
      tiers.emplace_back(view(attempt.read()->getTier()));
  EXPECT_EQ(tiers, (std::vector<std::string>{"", "", "large"}));
}

TEST(job_ladder, ADirectAnswerIsTriedAgainElsewhereAndThenFails) {
  job_driver job{"", {}, schema::PlanMode::SMALL};
  job.on_attempt = [&](attempt_reader) { return failure(errc::engine_failed, "mute", "small-9"); };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  ASSERT_EQ(job.sent().size(), 2u);
  EXPECT_EQ(excluded(job.sent()[1]), std::vector<std::string>{"small-9"});
  EXPECT_EQ(job.sent()[1].read()->getTier(), "small") << "the client asked for one small call";
}

TEST(job_ladder, ABadCheckFailsTheJobWithItsReason) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}, R"("check":{"oops":1})"}})};
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_NE(job.state().reason().find("`kind`"), std::string_view::npos);
  EXPECT_EQ(job.machine().in_flight(), 0u);
}

}  // namespace
}  // namespace tandem::testing
