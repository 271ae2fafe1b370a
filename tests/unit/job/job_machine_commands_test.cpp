// Cancel, pause, resume, retry, deadlines and feedback, in every state that a job can be in.

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

using schema::JobAction;
using schema::JobState;

const std::string two_steps = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}});

void refuses(job_driver& job, JobAction action) {
  auto before = job.state().last_number();
  auto out = job.machine().on_command(action, "why", job.now);
  ASSERT_FALSE(out);
  EXPECT_EQ(code_of(out.error()), errc::conflict);
  EXPECT_NE(message_of(out.error()).find("job "), std::string::npos);
  EXPECT_EQ(job.state().last_number(), before);
}

job_driver failed_job() {
  job_driver job{two_steps};
  job.on_attempt = [&job](attempt_reader attempt) {
    return attempt.getFence().getStep() % 2 == 0 && attempt.getPurpose() == schema::Purpose::STEP
               ? failure(errc::engine_failed)
               : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), JobState::FAILED);
  // The script refers to this frame.
  job.on_attempt = nullptr;
  return job;
}

TEST(job_commands, CancelEndsAJobInWhateverItIsDoing) {
  for (std::size_t events = 0;; ++events) {
    job_driver job{two_steps};
    job.pump();
    for (std::size_t i = 0; i < events; ++i) job.step([](std::size_t) { return std::size_t{0}; });
    if (job.state().ended()) break;
    auto under_way = job.waiting().size();
    job.command(JobAction::CANCEL, "enough");
    EXPECT_EQ(job.cancels().size(), under_way);
    EXPECT_EQ(job.machine().in_flight(), 0u);
    job.commit_all();
    EXPECT_EQ(job.state().state(), JobState::CANCELLED);
    EXPECT_EQ(job.state().reason(), "enough");
    EXPECT_EQ(job.state().ended_at_ms(), job.now);
    EXPECT_TRUE(job.waiting().empty());
    refuses(job, JobAction::CANCEL);
    refuses(job, JobAction::PAUSE);
    refuses(job, JobAction::RESUME);
    ASSERT_LT(events, 100u);
  }
}

TEST(job_commands, PauseSendsNothingMoreAndResumeGoesOn) {
  job_driver job{two_steps};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.command(JobAction::PAUSE, "lunch");
  job.commit_all();
  EXPECT_EQ(job.state().state(), JobState::PAUSED);
  EXPECT_EQ(job.state().reason(), "lunch");
  EXPECT_FALSE(job.machine().at_rest()) << "one attempt is still under way";
  job.answer_step(1);
  job.commit_all();
  EXPECT_TRUE(job.state().find_step(1)->done) << "what was under way is kept";
  EXPECT_TRUE(job.machine().at_rest());
  EXPECT_TRUE(job.waiting().empty());
  job.command(JobAction::PAUSE);
  EXPECT_TRUE(job.writes().empty()) << "it is paused already";
  job.command(JobAction::RESUME);
  EXPECT_TRUE(job.waiting().empty()) << "not durable yet";
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 1u);
  job.run();
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
}

TEST(job_commands, APauseThatIsNotDurableStopsSendingAtOnce) {
  job_driver job{two_steps};
  job.command(JobAction::PAUSE);
  job.pump();
  EXPECT_TRUE(job.sent().empty());
  job.run();
  EXPECT_TRUE(job.sent().empty());
  EXPECT_EQ(job.state().state(), JobState::PAUSED);
}

TEST(job_commands, AResumeRightBehindAPauseIsNotLost) {
  job_driver job{two_steps};
  job.command(JobAction::PAUSE);
  job.command(JobAction::RESUME);
  job.run();
  EXPECT_EQ(job.state().state(), JobState::DONE);
}

TEST(job_commands, APauseRightBehindAResumeIsNotLost) {
  job_driver job{two_steps};
  job.command(JobAction::PAUSE);
  job.commit_all();
  job.command(JobAction::RESUME);
  job.command(JobAction::PAUSE);
  job.run();
  EXPECT_EQ(job.state().state(), JobState::PAUSED);
  EXPECT_TRUE(job.sent().empty());
}

TEST(job_commands, APausedJobSurvivesARestart) {
  job_driver job{two_steps};
  job.command(JobAction::PAUSE);
  job.commit_all();
  job.crash();
  job.run();
  EXPECT_TRUE(job.sent().empty());
  job.command(JobAction::RESUME);
  job.run();
  EXPECT_EQ(job.state().state(), JobState::DONE);
}

TEST(job_commands, APausedJobThatHasItsLastResultEnds) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.command(JobAction::PAUSE);
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  EXPECT_EQ(job.state().state(), JobState::DONE);
}

TEST(job_commands, CommandsThatDoNotFitAreRefused) {
  job_driver job{two_steps};
  refuses(job, JobAction::RETRY);
  job.command(JobAction::RESUME);
  EXPECT_TRUE(job.writes().empty()) << "it runs already";
  auto unknown = job.machine().on_command(JobAction::UNKNOWN, {}, 1);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(code_of(unknown.error()), errc::invalid_argument);
  job.run();
  refuses(job, JobAction::RETRY);
  refuses(job, JobAction::CANCEL);
  refuses(job, JobAction::PAUSE);
  refuses(job, JobAction::RESUME);
}

TEST(job_commands, RetryGoesOnWithFinishedSteps) {
  auto failed = failed_job();
  auto count = failed.journal().size();
  job_driver job{failed.journal(), count};
  job.plan_text = two_steps;
  job.now = 50'000;
  job.pump();
  EXPECT_TRUE(job.sent().empty());
  job.command(JobAction::RETRY);
  job.pump();
  EXPECT_TRUE(job.sent().empty()) << "not durable yet";
  job.run();
  EXPECT_EQ(job.state().state(), JobState::DONE);
  EXPECT_EQ(job.state().deadline_at_ms(), 50'000u + 600'000u);
  EXPECT_EQ(job.sent_for(1), 0u);
  EXPECT_EQ(job.sent_for(3), 0u);
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
}

TEST(job_commands, RetryBehindTheEndThatIsNotDurableYetGoesOnToo) {
  job_driver job{two_steps};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.command(JobAction::CANCEL);
  job.command(JobAction::RETRY);
  refuses(job, JobAction::RETRY);
  job.run();
  EXPECT_EQ(job.state().state(), JobState::DONE);
  EXPECT_EQ(job.state().answer(), "r(b r(a))");
}

TEST(job_commands, RetryCanBeCancelledBeforeItIsDurable) {
  job_driver job{two_steps};
  job.pump();
  job.command(JobAction::CANCEL);
  job.commit_all();
  job.command(JobAction::RETRY);
  job.command(JobAction::CANCEL, "no after all");
  job.run();
  EXPECT_EQ(job.state().state(), JobState::CANCELLED);
  EXPECT_EQ(job.state().reason(), "no after all");
}

TEST(job_commands, RetryKeepsResultsThatWereBeingWrittenAtTheEnd) {
  job_driver job{two_steps};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1);
  job.carry_out(job.machine().on_deadline(job.now));
  job.command(JobAction::RETRY);
  job.run();
  EXPECT_EQ(job.state().state(), JobState::DONE);
  EXPECT_EQ(job.sent_for(1), 1u);
}

TEST(job_commands, TheDeadlineFailsAJobOnceAndSaysWhatToDo) {
  for (auto paused : {false, true}) {
    job_driver job{two_steps};
    job.pump();
    if (paused) {
      job.command(JobAction::PAUSE);
      job.commit_all();
    }
    job.carry_out(job.machine().on_deadline(9'000));
    EXPECT_EQ(job.cancels().size(), 1u);
    job.commit_all();
    EXPECT_EQ(job.state().state(), JobState::FAILED);
    EXPECT_NE(job.state().reason().find("deadline"), std::string_view::npos);
    EXPECT_EQ(job.state().ended_at_ms(), 9'000u);
    EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::DEADLINE_EXCEEDED);
    EXPECT_TRUE(job.machine().on_deadline(9'001).records.empty());
  }
}

TEST(job_commands, TheDeadlineDoesNothingToADoneJob) {
  job_driver job{two_steps};
  job.run();
  EXPECT_TRUE(job.machine().on_deadline(9'000).records.empty());
  EXPECT_EQ(job.state().state(), JobState::DONE);
}

TEST(job_commands, FeedbackIsAveragedAndKept) {
  job_driver job{two_steps};
  EXPECT_EQ(job.state().feedback(), -1.0f);
  job.run();
  job.carry_out(job.machine().on_feedback(1.0f, "good", 10));
  job.commit_all();
  job.carry_out(job.machine().on_feedback(0.5f, std::string(100'000, 'x'), 11));
  job.commit_all();
  EXPECT_FLOAT_EQ(job.state().feedback(), 0.75f);
  EXPECT_LT(job.journal().back().bytes().size(), 4'096u);
  job.crash();
  EXPECT_FLOAT_EQ(job.state().feedback(), 0.75f);
  EXPECT_EQ(job.state().state(), JobState::DONE);
}

TEST(job_commands, ReasonsFromClientsAreMendedAndBounded) {
  job_driver job{two_steps};
  job.command(JobAction::PAUSE, "bad \xFF" + std::string(100'000, 'y'));
  job.commit_all();
  EXPECT_LT(job.state().reason().size(), 4'096u);
  EXPECT_TRUE(is_valid_utf8(job.state().reason()));
}

}  // namespace
}  // namespace tandem::testing
