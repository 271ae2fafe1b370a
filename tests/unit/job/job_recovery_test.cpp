// A crash at any point: what is durable is enough to go on, and nothing that is finished is asked
// for again.

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

struct scenario {
  std::string name;
  std::string plan;
  schema::PlanMode mode = schema::PlanMode::PLAN_ACT;
  bool streamed = false;
  /// Fails the first so many attempts of step 2, and its large one: a new epoch.
  std::uint32_t failures = 0;
};

std::vector<scenario> scenarios() {
  auto diamond = plan_of({{1, "one", {}},
                          {2, "left {{1}}", {1}},
                          {3, "right {{1}}", {1}},
                          {4, "{{2}} {{3}}", {2, 3}}});
  auto composed = plan_of({{1, "a", {}}, {2, "b", {}}}, R"({"compose":"say {{1}} {{2}}"})");
  return {{"whole", diamond},
          {"streamed", diamond, schema::PlanMode::PLAN_ACT, true},
          {"composed", composed},
          {"composed and streamed", composed, schema::PlanMode::PLAN_ACT, true},
          {"retried", diamond, schema::PlanMode::PLAN_ACT, true, 1},
          {"new epoch", diamond, schema::PlanMode::PLAN_ACT, true, 3},
          {"direct", "", schema::PlanMode::SMALL}};
}

void play(job_driver& job, const scenario& s) {
  job.plan_text = s.plan;
  job.on_attempt = [&job, &s](attempt_reader attempt) {
    auto result = job.default_reply(attempt);
    if (attempt.getPurpose() == schema::Purpose::STEP && attempt.getFence().getStep() == 2 &&
        job.state().find_step(2)->failures.total < s.failures)
      return failure(errc::engine_failed, "as told");
    if (attempt.getPurpose() == schema::Purpose::PLAN && s.streamed)
      for (std::size_t at = 0; at < s.plan.size(); at += 50)
        result.chunks.push_back(s.plan.substr(at, 50));
    return result;
  };
}

TEST(job_recovery, EveryPrefixOfTheRecordsLeadsToTheSameAnswer) {
  for (const auto& s : scenarios()) {
    SCOPED_TRACE(s.name);
    job_driver whole{s.plan, {}, s.mode};
    play(whole, s);
    whole.run();
    ASSERT_EQ(whole.state().state(), schema::JobState::DONE) << whole.state().reason();
    for (std::size_t count = 1; count <= whole.journal().size(); ++count) {
      SCOPED_TRACE("prefix of " + std::to_string(count) + ": " +
                   kinds_of({whole.journal().begin(),
                             whole.journal().begin() + static_cast<std::ptrdiff_t>(count)}));
      job_driver job{whole.journal(), count};
      play(job, s);
      job.run();
      EXPECT_EQ(job.state().state(), schema::JobState::DONE);
      EXPECT_EQ(job.state().answer(), whole.state().answer());
      if (count == whole.journal().size()) {
        EXPECT_TRUE(job.sent().empty());
        EXPECT_EQ(job.journal().size(), count) << "an ended job writes nothing";
      }
    }
  }
}

TEST(job_recovery, AttemptNumbersGoOnFromWhatIsDurable) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.crash();
  job.pump();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_GT(job.waiting()[0].read()->getFence().getAttempt(), 1u);
}

TEST(job_recovery, FailuresAreStillCountedAfterARestart) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1, failure(errc::engine_failed, "x", "small-4"));
  job.commit_all();
  job.crash();
  job.pump();
  ASSERT_EQ(job.waiting()[0].read()->getExcludedEngines().size(), 1u);
  job.answer_step(1, failure(errc::engine_failed));
  job.commit_all();
  job.crash();
  job.pump();
  EXPECT_EQ(job.waiting()[0].read()->getTier(), "large");
}

TEST(job_recovery, APlannerThatPlansDifferentlyAfterARestartStartsANewEpoch) {
  auto plan = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, plan.substr(0, plan.find("{\"id\":2")));
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  job.crash();
  job.plan_text = plan_of({{1, "changed", {}}, {2, "my mind {{1}}", {1}}});
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().epoch(), 2u);
  EXPECT_EQ(job.sent_for(1), 1u);
  EXPECT_EQ(job.state().answer(), "r(my mind r(changed))");
}

TEST(job_recovery, TheJournaledPartOfAPlanRunsWhileTheRestIsWrittenAgain) {
  auto plan = plan_of({{1, "a", {}}, {2, "b", {}}, {3, "c", {}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, plan.substr(0, plan.find("{\"id\":3")));
  job.commit_all();
  job.crash();
  job.pump();
  EXPECT_EQ(job.waiting().size(), 3u) << "the plan and two steps";
  auto again = job.take(0);
  job.chunk(again, 0, plan);
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_EQ(job.writes()[0][0].read()->getStepsPlanned().size(), 1u)
      << "known steps are not journaled twice";
  job.answer(again, job.default_reply(*again.read()));
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

/// Random plans, answers, orders, crashes and commands; the driver checks what must always hold.
class chaos {
 public:
  explicit chaos(std::uint64_t seed) : random_{seed} {
    settings_.limits.epochs_max = 3;
    settings_.limits.steps_in_flight_max = 1 + below(5);
    job_ = std::make_unique<job_driver>(
        random_plan(), settings_,
        below(8) == 0 ? schema::PlanMode::SMALL : schema::PlanMode::PLAN_ACT);
    job_->on_attempt = [this](attempt_reader attempt) { return random_reply(attempt); };
  }

  void run(std::map<schema::JobState, int>& ends) {
    job_->pump();
    for (int events = 0; events < 20'000; ++events) {
      if (::testing::Test::HasFailure()) return;
      job_->now += below(50);
      disturb(events);
      if (!job_->step([this](std::size_t n) { return below(n); })) {
        if (job_->state().ended()) {
          ++ends[job_->state().state()];
          return check_end();
        }
        ASSERT_EQ(job_->state().state(), schema::JobState::PAUSED) << "the job stands still";
        job_->command(schema::JobAction::RESUME);
      }
    }
    FAIL() << "the job never ends";
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  std::string random_plan() {
    std::vector<plan_step> steps;
    auto count = 1 + static_cast<std::uint32_t>(below(12));
    for (std::uint32_t id = 1; id <= count; ++id) {
      plan_step step{id, "s" + std::to_string(below(1'000)), {}, {}};
      for (std::uint32_t to = 1; to < id; ++to)
        if (below(4) == 0) {
          step.depends_on.push_back(to);
          step.prompt += " {{" + std::to_string(to) + "}}";
        }
      steps.push_back(std::move(step));
    }
    auto answer = below(3) == 0 ? R"({"compose":"all {{1}}"})" : std::to_string(1 + below(count));
    return plan_of(steps, answer);
  }

  reply random_reply(attempt_reader attempt) {
    auto result = job_->default_reply(attempt);
    if (result.text.size() > 2'000) result.text.resize(2'000);
    if (attempt.getPurpose() == schema::Purpose::PLAN) {
      if (below(6) == 0) job_->plan_text = random_plan();
      result.text = job_->plan_text;
      if (below(8) == 0) result.text.resize(below(result.text.size()));
      if (below(2) == 0) {
        auto piece = 1 + below(80);
        for (std::size_t at = 0; at < result.text.size(); at += piece)
          if (below(30) != 0) result.chunks.push_back(result.text.substr(at, piece));
      }
    }
    constexpr std::array codes{errc::overloaded,     errc::unavailable,
                               errc::engine_failed,  errc::deadline_exceeded,
                               errc::invalid_output, errc::invalid_argument};
    if (below(5) == 0) {
      result.code = codes[below(codes.size())];
      result.error = "chaos";
      result.engine = "e" + std::to_string(below(4));
    }
    if (below(40) == 0) result.finish = schema::Finish::LENGTH;
    return result;
  }

  void disturb(int events) {
    if (below(25) == 0) {
      job_->crash(below(job_->writes().size() + 1));
      job_->pump();
    }
    if (below(25) == 0) job_->pump();
    if (!job_->stale().empty() && below(4) == 0)
      job_->answer(job_->stale()[below(job_->stale().size())], {.text = "stale"});
    if (below(60) == 0) try_command(static_cast<schema::JobAction>(2 + below(3)));
    if (below(400) == 0) try_command(schema::JobAction::CANCEL);
    // After a while the job must come to its end.
    if (events > 10'000) job_->carry_out(job_->machine().on_deadline(job_->now));
  }

  void try_command(schema::JobAction action) {
    auto out = job_->machine().on_command(action, "chaos", job_->now);
    if (out)
      job_->carry_out(std::move(*out));
    else
      EXPECT_EQ(code_of(out.error()), errc::conflict);
  }

  void check_end() {
    auto state = job_->state().state();
    if (state == schema::JobState::DONE) {
      EXPECT_FALSE(job_->state().answer().empty());
      for (const auto& [id, step] : job_->state().steps()) EXPECT_TRUE(step.done || step.abandoned);
    } else {
      EXPECT_FALSE(job_->state().reason().empty());
    }
    // The records alone tell the same story.
    job_state again{job_->state().id(), plan_limits(settings_.limits)};
    std::uint32_t number = 0;
    for (const auto& record : job_->journal()) ASSERT_FALSE(again.apply(++number, record));
    EXPECT_EQ(again.state(), state);
    EXPECT_EQ(again.answer(), job_->state().answer());
    EXPECT_EQ(again.usage().calls, job_->state().usage().calls);
  }

  std::mt19937_64 random_;
  job_settings settings_;
  std::unique_ptr<job_driver> job_;
};

TEST(job_recovery, SurvivesRandomPlansFailuresAndCrashes) {
  std::map<schema::JobState, int> ends;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    chaos{seed}.run(ends);
    if (HasFailure()) return;
  }
  // Enough of each for the checks above to mean something.
  EXPECT_GT(ends[schema::JobState::DONE], 100);
  EXPECT_GT(ends[schema::JobState::FAILED], 10);
  EXPECT_GT(ends[schema::JobState::CANCELLED], 5);
}

}  // namespace
}  // namespace tandem::testing
