// Planners that write nonsense, break off, or change their mind.

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

const std::string two_steps = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}});

TEST(job_plans, ABrokenPlanIsAskedForAgainWithItsErrorAndAnotherTemperature) {
  job_driver job{two_steps};
  job.pump();
  job.answer_step(0, {.text = "I can not do that"});
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  auto again = job.waiting()[0].read();
  EXPECT_EQ(again->getPurpose(), schema::Purpose::PLAN);
  EXPECT_NE(view(again->getPlanError()).find("the plan is not usable"), std::string_view::npos);
  EXPECT_GT(again->getTemperature(), 0.0f);
  EXPECT_NE(again->getSeed(), 0u);
  EXPECT_EQ(again->getFence().getEpoch(), 1u);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_plans, APlannerThatOnlyWritesNonsenseFailsTheJob) {
  job_driver job{"{\"steps\":[]}"};
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.sent().size(), planner_config{}.plan_attempts_max);
  EXPECT_NE(job.state().reason().find("the plan request failed"), std::string_view::npos);
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::INVALID_OUTPUT);
}

TEST(job_plans, ABrokenPlanIsStoppedWhileItIsWritten) {
  job_driver job{two_steps};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, R"({"steps":[{"id":1,"prompt":"a","depends_on":[7]},)");
  ASSERT_EQ(job.cancels().size(), 1u);
  EXPECT_EQ(job.cancels()[0].read()->getFence().getAttempt(), 1u);
  // More of it asks for no further cancelling.
  job.chunk(planning, 1, R"({"id":2,"prompt":"b","depends_on":[8]},)");
  EXPECT_EQ(job.cancels().size(), 1u);
  EXPECT_TRUE(job.writes().empty());
  job.answer(planning, failure(errc::cancelled, "cancelled", "large-1"));
  job.commit_all();
  auto failed = job.journal().back().read();
  ASSERT_TRUE(failed->isAttemptFailed());
  EXPECT_EQ(failed->getAttemptFailed().getError().getCode(), schema::Errc::INVALID_OUTPUT);
  EXPECT_NE(view(job.waiting()[0].read()->getPlanError()).find("step 1"), std::string_view::npos);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_plans, AnEndlessPlanIsStoppedAtItsLimit) {
  job_settings settings;
  settings.limits.plan_bytes_max = 2'000;
  job_driver job{two_steps, settings};
  job.pump();
  auto planning = job.take(0);
  std::uint32_t number = 0;
  job.chunk(planning, number++, "{\"steps\":[");
  std::uint32_t id = 0;
  while (job.cancels().empty() && number < 1'000) {
    ++id;
    job.chunk(planning, number++,
              "{\"id\":" + std::to_string(id) + ",\"prompt\":\"p\",\"depends_on\":[]},");
    job.commit_all();
  }
  EXPECT_EQ(job.cancels().size(), 1u);
  EXPECT_LT(number, 100u);
  job.answer(planning, failure(errc::cancelled));
  job.commit_all();
  // Its steps are journaled, so it cannot simply be asked for again.
  EXPECT_EQ(job.state().epoch(), 2u);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_plans, APlanCutAtItsTokenLimitSaysSo) {
  job_driver job{two_steps};
  job.pump();
  job.answer_step(
      0, {.text = two_steps.substr(0, two_steps.size() / 3), .finish = schema::Finish::LENGTH});
  job.commit_all();
  EXPECT_NE(view(job.waiting()[0].read()->getPlanError()).find("jobs.plan_tokens_max"),
            std::string_view::npos);
}

TEST(job_plans, AnEngineThatBreaksOffIsAskedForTheSamePlanAgain) {
  job_driver job{two_steps};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, two_steps.substr(0, two_steps.find("{\"id\":2")));
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  job.answer(planning, failure(errc::engine_failed, "lost", "large-1"));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  auto again = job.waiting()[0].read();
  EXPECT_EQ(again->getFence().getEpoch(), 1u);
  // The same words at the same temperature, so that the same plan comes.
  EXPECT_EQ(again->getTemperature(), 0.0f);
  EXPECT_FALSE(again->hasPlanError());
  ASSERT_EQ(again->getExcludedEngines().size(), 1u);
  EXPECT_EQ(again->getExcludedEngines()[0], "large-1");
  job.run();
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
  EXPECT_EQ(job.sent_for(1), 1u);
  EXPECT_EQ(job.state().epoch(), 1u);
}

TEST(job_plans, APlanIsNotAskedForAgainBeforeWhatItWroteIsDurable) {
  for (auto code : {errc::unavailable, errc::engine_failed}) {
    job_driver job{two_steps};
    job.pump();
    auto planning = job.take(0);
    auto second = two_steps.find("{\"id\":2");
    job.chunk(planning, 0, two_steps.substr(0, second));
    job.chunk(planning, 1, two_steps.substr(second, two_steps.size() - second - 1));
    ASSERT_EQ(job.writes().size(), 2u);
    job.answer(planning, failure(code, "lost", "large-1"));
    job.commit();
    if (job.wants_wake()) job.wake();
    EXPECT_EQ(job.waiting().size(), 1u) << "the first step alone";
    job.run();
    EXPECT_EQ(job.state().answer(), "r(b r(a))");
    EXPECT_EQ(job.state().steps().size(), 2u);
  }
}

TEST(job_plans, APlannerThatWritesAnotherPlanTheSecondTimeStartsANewEpoch) {
  job_driver job{two_steps};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, two_steps.substr(0, two_steps.find("{\"id\":2")));
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  job.answer(planning, failure(errc::engine_failed, "lost"));
  job.commit_all();
  job.plan_text = plan_of({{1, "something else", {}}});
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 2u);
  EXPECT_TRUE(job.state().find_step(1)->done);
  job.plan_text = plan_of({{2, "with {{1}}", {1}}});
  job.run();
  EXPECT_EQ(job.state().answer(), "r(with r(a))");
}

TEST(job_plans, APlannerThatLeavesJournaledStepsOutStartsANewEpoch) {
  job_driver job{two_steps};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, two_steps.substr(0, two_steps.size() - 2));
  job.answer(planning, failure(errc::engine_failed, "lost"));
  job.commit_all();
  auto again = job.take(0);
  job.answer(again, {.text = plan_of({{1, "a", {}}})});
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 2u);
  EXPECT_NE(job.state().plan_failures().last_error.find("left out"), std::string::npos);
}

TEST(job_plans, AReplacedPlanMayNumberFromOneAgain) {
  job_driver job{two_steps};
  job.on_attempt = [&](attempt_reader attempt) {
    auto bad = attempt.getPurpose() == schema::Purpose::STEP &&
               attempt.getFence().getEpoch() == 1 && attempt.getFence().getStep() == 2;
    return bad ? failure(errc::engine_failed) : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().epoch(), 2u);
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
  EXPECT_EQ(job.state().answer_step(), 4u);
}

TEST(job_plans, AnEpochsPlanThatIsBrokenFailsWithTheLastEpoch) {
  job_driver job{two_steps};
  job.on_attempt = [&](attempt_reader attempt) {
    if (attempt.getPurpose() == schema::Purpose::STEP) return failure(errc::engine_failed);
    return attempt.getFence().getEpoch() == 2 ? reply{.text = "no"} : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().epoch(), 2u);
}

}  // namespace
}  // namespace tandem::testing
