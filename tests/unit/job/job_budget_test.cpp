// What a job may spend: reserved before it is sent, and exact whatever is under way, cancelled,
// refused or lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t step_tokens = 256;
/// Of a step whose prompt is one byte.
constexpr std::uint64_t step_bound = prompt_tokens_bound(1, 2) + step_tokens;
/// Of the plan request: `be brief` and `the goal`.
constexpr std::uint64_t plan_bound = prompt_tokens_bound(16, 3) + 800;

std::string independent(std::uint32_t count) {
  std::vector<plan_step> steps;
  for (std::uint32_t id = 1; id <= count; ++id) steps.push_back({id, "s", {}});
  return plan_of(steps);
}

job_driver with_budget(budget limit, const std::string& plan, const job_settings& settings = {}) {
  job_driver job{
      {submitted_record(schema::PlanMode::PLAN_ACT, "the goal", 0, {.limit = limit})}, 1, settings};
  job.plan_text = plan;
  job.pump();
  return job;
}

reply used(std::uint64_t tokens, std::int64_t cost = 0) {
  return {.text = "x", .prompt_tokens = tokens, .cost_nanousd = cost};
}

/// The plan has come and cost `tokens`.
job_driver planned(budget limit, const std::string& plan, std::uint64_t tokens = 0,
                   const job_settings& settings = {}) {
  auto job = with_budget(limit, plan, settings);
  auto answer = used(tokens);
  answer.text = plan;
  job.answer_step(0, answer);
  job.commit_all();
  return job;
}

budget allowance(const tmsg::attempt& attempt) {
  return read_budget(attempt.read()->getAllowance());
}

reply refused(std::uint64_t tokens = 0) {
  auto result = failure(errc::budget_exceeded, "more than is left of the budget");
  result.prompt_tokens = tokens;
  result.cost_nanousd = 0;
  return result;
}

TEST(job_budget, EachAttemptIsAllowedWhatIsReservedForIt) {
  auto job = with_budget({100'000, 0}, independent(2));
  EXPECT_EQ(allowance(job.waiting().at(0)), (budget{plan_bound, 0}));
  job.answer_step(0);
  job.commit_all();
  for (const auto& attempt : job.waiting()) EXPECT_EQ(allowance(attempt), (budget{step_bound, 0}));
}

TEST(job_budget, WithoutALimitNothingIsReserved) {
  job_driver job{independent(2)};
  job.pump();
  EXPECT_FALSE(job.waiting().at(0).read()->hasAllowance());
}

TEST(job_budget, MoneyIsReservedAtTheDearestPrices) {
  job_settings settings;
  settings.input_price_nanousd_max = 3;
  settings.output_price_nanousd_max = 7;
  settings.profile_bytes_max = 100;
  auto job = with_budget({0, 1'000'000}, independent(1), settings);
  auto prompt = static_cast<std::int64_t>(prompt_tokens_bound(116, 3));
  EXPECT_EQ(allowance(job.waiting().at(0)), (budget{0, 3 * prompt + 7 * 800}));
}

TEST(job_budget, WhereNothingHasAPriceMoneyLimitsNothing) {
  auto job = with_budget({0, 5}, independent(3));
  for (std::uint32_t step = 0; step < 4; ++step) {
    job.answer_step(step, used(50));
    if (step == 0) job.crash();
    job.commit_all();
    if (step == 0) {
      job.pump();
      auto plan = used(50);
      plan.text = job.plan_text;
      job.answer_step(0, plan);
      job.commit_all();
    }
  }
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_budget, StepsAtOnceNeverReserveMoreThanThereIs) {
  auto job = planned({3 * step_bound + 1'000, 0}, independent(8), 1'000);
  EXPECT_EQ(job.waiting().size(), 3u);
  job.answer_step(1, used(step_bound - 10));
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u) << "ten tokens are not enough for another";
  job.answer_step(2, used(5));
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u) << "what was not used is there for the next";
}

TEST(job_budget, TheLastOneMayHaveAllThatIsLeft) {
  auto job = planned({step_bound + 1'000, 0}, independent(2), 1'000);
  ASSERT_EQ(job.waiting().size(), 1u);
  job.answer_step(1, used(300));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]), (budget{step_bound - 300, 0}));
}

TEST(job_budget, ASpentBudgetFailsTheJobAndSaysWhatToDo) {
  auto job = planned({1'400, 0}, independent(3), 1'000);
  job.answer_step(1, used(400));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::BUDGET_EXCEEDED);
  std::string reason{job.state().reason()};
  EXPECT_THAT(reason, HasSubstr("budget is spent"));
  EXPECT_THAT(reason, HasSubstr("1400 of 1400 tokens"));
  EXPECT_THAT(reason, HasSubstr("submit again with more"));
}

TEST(job_budget, WhatWasTooLittleIsTriedAloneWithAllThatIsLeft) {
  auto job = planned({5'000, 0}, independent(3), 1'000);
  ASSERT_EQ(job.waiting().size(), 3u);
  job.answer_step(1, refused());
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 2u) << "others have to end first";
  job.answer_step(2, used(100));
  job.commit_all();
  job.answer_step(3, used(100));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]), (budget{3'800, 0}));
  EXPECT_EQ(job.state().find_step(1)->failures.total, 0u) << "it was never sent";
  job.answer_step(1, used(500));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_budget, FromThenOnOneAtATime) {
  auto job = planned({50'000, 0}, independent(4), 1'000);
  job.answer_step(1, refused());
  job.commit_all();
  for (std::uint32_t step : {2u, 3u, 4u}) {
    job.answer_step(step, used(10));
    job.commit_all();
  }
  ASSERT_EQ(job.waiting().size(), 1u);
  job.answer_step(1, failure(errc::engine_failed));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]).tokens, 50'000u - 1'000 - 30 - 10);
}

TEST(job_budget, WhatIsTooDearEvenThenFailsTheJob) {
  auto job = planned({5'000, 0}, independent(1), 1'000);
  job.answer_step(1, refused());
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  job.answer_step(1, refused());
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::BUDGET_EXCEEDED);
  EXPECT_EQ(job.state().reason(), "step 1 failed: more than is left of the budget");
}

TEST(job_budget, ATenantsBudgetIsNotTriedAgain) {
  job_driver job{independent(1)};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1, failure(errc::budget_exceeded, "tenant 'tenant': it is renewed at noon"));
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_THAT(std::string{job.state().reason()}, HasSubstr("it is renewed at noon"));
}

TEST(job_budget, LimitedJobsAreNotHedged) {
  auto job = planned({50'000, 0}, independent(1));
  EXPECT_FALSE(job.waiting().at(0).read()->getHedge());
}

TEST(job_budget, AJudgedStepReservesForItsJudgeToo) {
  auto job = planned({50'000, 0},
                     plan_of({{1, "s", {}, R"("check":{"kind":"judge","argument":"is good"})"}}));
  EXPECT_GT(allowance(job.waiting().at(0)).tokens, 3 * step_bound);
}

/// Of two steps under way one climbs to a new plan, which cancels the other.
job_driver with_one_cancelled(budget limit) {
  job_settings settings;
  settings.limits.small_attempts_max = 1;
  settings.limits.large_attempts_max = 0;
  auto job = planned(limit, independent(2), 1'000, settings);
  EXPECT_EQ(job.waiting().size(), 2u);
  job.answer_step(1, failure(errc::engine_failed, "broken"));
  EXPECT_EQ(job.stale().size(), 1u);
  return job;
}

TEST(job_budget, WhatIsCancelledIsAccountedForAndCountsAsNoFailure) {
  auto job = with_one_cancelled({10'000, 0});
  auto late = failure(errc::cancelled, "stopped");
  late.prompt_tokens = 123;
  job.answer(job.stale()[0], late);
  job.commit_all();
  auto record = job.journal().back().read();
  ASSERT_TRUE(record->isAttemptFailed());
  EXPECT_EQ(record->getAttemptFailed().getRung(), "cancelled");
  EXPECT_EQ(record->getAttemptFailed().getError().getCode(), schema::Errc::CANCELLED);
  EXPECT_EQ(record->getAttemptFailed().getUsage().getPromptTokens(), 123u);
  EXPECT_EQ(job.state().usage().prompt_tokens, 1'000u + 10 + 123);
  EXPECT_EQ(job.state().find_step(2)->failures.total, 0u);
  EXPECT_EQ(job.state().epoch(), 2u);
  // Once only.
  auto records = job.journal().size();
  job.answer(job.stale()[0], late);
  job.commit_all();
  EXPECT_EQ(job.journal().size(), records);
}

TEST(job_budget, WhatIsCancelledStaysReservedUntilItsPriceIsKnown) {
  auto job = with_one_cancelled({1'000 + 2 * step_bound, 0});
  job.commit_all();
  EXPECT_TRUE(job.waiting().empty()) << "a plan needs more than is left beside the cancelled step";
  auto nothing = failure(errc::cancelled, "stopped");
  nothing.prompt_tokens = 0;
  nothing.cost_nanousd = 0;
  auto records = job.journal().size();
  job.answer(job.stale()[0], nothing);
  EXPECT_EQ(job.journal().size(), records) << "nothing happened";
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]).tokens, 2 * step_bound - 10);
}

TEST(job_budget, AfterACrashTheBudgetIsWhatTheRecordsSay) {
  auto job = planned({5'000, 0}, independent(3), 1'000);
  job.answer_step(1, used(300));
  job.commit_all();
  job.answer_step(2, used(200));
  job.crash();
  EXPECT_EQ(job.state().usage().prompt_tokens, 1'300u);
  job.pump();
  job.answer_step(2, refused());
  job.answer_step(3, used(0));
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]).tokens, 3'700u);
}

TEST(job_budget, WhatIsWaitedForAndHasCostSomethingIsInTheRecords) {
  auto job = planned({50'000, 0}, independent(1), 1'000);
  // The step was answered, and its judge was busy.
  auto busy = failure(errc::overloaded, "the judge did not answer: busy");
  busy.prompt_tokens = 150;
  job.answer_step(1, busy);
  job.commit_all();
  EXPECT_EQ(job.state().usage().prompt_tokens, 1'150u);
  EXPECT_EQ(job.state().find_step(1)->failures.total, 0u);
  EXPECT_TRUE(job.wants_wake());
  EXPECT_TRUE(job.waiting().empty()) << "the record does not end the pause";
  job.wake();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.sent_for(1), 2u);
}

TEST(job_budget, WhatWasTooLittleForTheJudgeIsInTheRecords) {
  auto job = planned({50'000, 0}, independent(1), 1'000);
  job.answer_step(1, refused(150));
  job.commit_all();
  EXPECT_EQ(job.state().usage().prompt_tokens, 1'150u);
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.sent_for(1), 2u);
}

TEST(job_budget, ALateAnswerAfterARetrySendsNothingTwice) {
  auto job = planned({50'000, 0}, independent(2), 1'000);
  job.command(schema::JobAction::CANCEL);
  job.command(schema::JobAction::RETRY);
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u);
  ASSERT_EQ(job.stale().size(), 2u);
  job.answer(job.stale()[0], used(5));
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_budget, ARetriedJobHasWhatItsRecordsLeave) {
  auto job = planned({1'400, 0}, independent(2), 1'000);
  job.answer_step(1, used(390));
  job.commit_all();
  job.answer_step(2, refused());
  job.commit_all();
  job.answer_step(2, refused());
  job.commit_all();
  ASSERT_EQ(job.state().state(), schema::JobState::FAILED);
  job.crash();
  job.command(schema::JobAction::RETRY);
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(allowance(job.waiting()[0]).tokens, 10u);
}

/// Random plans, engines that use whatever they may, refuse, fail and answer late, and crashes.
class accounts {
 public:
  explicit accounts(std::uint64_t seed) : random_{seed} {
    settings_.limits.epochs_max = 3;
    settings_.input_price_nanousd_max = 2;
    settings_.output_price_nanousd_max = 5;
    limit_ = {below(3) == 0 ? 0 : 2'000 + below(8'000),
              below(3) == 0 ? 0 : static_cast<std::int64_t>(5'000 + below(20'000))};
    if (!limit_.limited()) limit_.tokens = 4'000;
    terms with{.limit = limit_};
    if (below(3) == 0) with.check_kind = "judge";
    job_ = std::make_unique<job_driver>(
        std::vector{submitted_record(schema::PlanMode::PLAN_ACT, "the goal", 0, with)}, 1,
        settings_);
    job_->plan_text = random_plan();
    job_->on_attempt = [this](attempt_reader attempt) { return random_reply(attempt); };
  }

  void run(std::map<schema::JobState, int>& ends) {
    job_->pump();
    check();
    for (int events = 0; events < 5'000; ++events) {
      if (::testing::Test::HasFailure()) return;
      if (below(40) == 0) crash();
      if (below(3) == 0) answer_stale();
      if (!job_->step([this](std::size_t n) { return below(n); }) && !answer_stale()) break;
      check();
    }
    ASSERT_TRUE(job_->state().ended()) << "the job stands still";
    ++ends[job_->state().state()];
    while (!job_->writes().empty()) job_->commit();
    auto recorded = job_->state().usage().prompt_tokens + job_->state().usage().completion_tokens;
    EXPECT_TRUE(fits({recorded, job_->state().usage().cost_nanousd}, limit_));
    if (crashed_) return;
    EXPECT_EQ(recorded, spent_.tokens) << "every token is in the records";
    EXPECT_EQ(job_->state().usage().cost_nanousd, spent_.cost_nanousd);
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  std::string random_plan() {
    std::vector<plan_step> steps;
    auto count = 1 + static_cast<std::uint32_t>(below(10));
    for (std::uint32_t id = 1; id <= count; ++id) {
      plan_step step{id, std::string(1 + below(200), 's'), {}, {}};
      if (id > 1 && below(3) == 0)
        step.depends_on.push_back(1 + static_cast<std::uint32_t>(below(id - 1)));
      steps.push_back(std::move(step));
    }
    return plan_of(steps, below(2) == 0 ? R"({"compose":"all {{1}}"})" : "1");
  }

  /// Uses at most what it is allowed.
  void use(attempt_reader attempt, reply& with) {
    auto may = read_budget(attempt.getAllowance());
    auto tokens = may.tokens == 0 ? 500 : may.tokens;
    auto share = below(4) == 0 ? tokens : below(tokens + 1);
    with.prompt_tokens = share / 2;
    with.completion_tokens = share - with.prompt_tokens;
    auto cost = may.cost_nanousd == 0 ? 1'000 : may.cost_nanousd;
    with.cost_nanousd =
        below(4) == 0 ? cost
                      : static_cast<std::int64_t>(below(static_cast<std::uint64_t>(cost) + 1));
  }

  reply random_reply(attempt_reader attempt) {
    auto result = job_->default_reply(attempt);
    if (result.text.size() > 300) result.text.resize(300);
    if (attempt.getPurpose() == schema::Purpose::PLAN) {
      if (job_->state().epoch() > 1) job_->plan_text = random_plan();
      result.text = job_->plan_text;
    }
    use(attempt, result);
    constexpr std::array codes{errc::overloaded,     errc::unavailable,
                               errc::engine_failed,  errc::deadline_exceeded,
                               errc::invalid_output, errc::budget_exceeded};
    if (below(4) == 0) {
      result.code = codes[below(codes.size())];
      result.error = "chaos";
      if (below(2) == 0) result.prompt_tokens = result.completion_tokens = 0;
      if (below(2) == 0) result.cost_nanousd = 0;
    }
    count(result);
    return result;
  }

  void count(const reply& with) {
    spent_.tokens += with.prompt_tokens + with.completion_tokens;
    spent_.cost_nanousd += with.cost_nanousd;
  }

  bool answer_stale() {
    if (answered_stale_ >= job_->stale().size()) return false;
    auto attempt = job_->stale()[answered_stale_++];
    auto late = failure(errc::cancelled, "stopped");
    use(*attempt.read(), late);
    count(late);
    job_->answer(attempt, late);
    return true;
  }

  void crash() {
    crashed_ = true;
    job_->crash(below(job_->writes().size() + 1));
    answered_stale_ = 0;
    // What was under way is lost with whatever it cost: the records are what counts.
    const auto& usage = job_->state().usage();
    spent_ = {usage.prompt_tokens + usage.completion_tokens, usage.cost_nanousd};
    job_->pump();
  }

  /// Spent, and allowed to what is under way: never above the limit.
  void check() {
    auto sum = spent_;
    auto add = [&](const tmsg::attempt& attempt) {
      auto allowed = allowance(attempt);
      EXPECT_EQ(allowed.tokens == 0, limit_.tokens == 0) << "0 would be no limit";
      EXPECT_EQ(allowed.cost_nanousd == 0, limit_.cost_nanousd == 0) << "0 would be no limit";
      sum = {sum.tokens + allowed.tokens, sum.cost_nanousd + allowed.cost_nanousd};
    };
    for (const auto& attempt : job_->waiting()) add(attempt);
    for (auto i = answered_stale_; i < job_->stale().size(); ++i) add(job_->stale()[i]);
    EXPECT_TRUE(fits(sum, limit_)) << sum.tokens << " of " << limit_.tokens << " tokens, "
                                   << sum.cost_nanousd << " of " << limit_.cost_nanousd;
  }

  std::mt19937_64 random_;
  job_settings settings_;
  budget limit_;
  budget spent_;
  std::size_t answered_stale_ = 0;
  bool crashed_ = false;
  std::unique_ptr<job_driver> job_;
};

TEST(job_budget, IsNeverExceededWhateverHappens) {
  std::map<schema::JobState, int> ends;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    accounts{seed}.run(ends);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(ends[schema::JobState::DONE], 30);
  EXPECT_GT(ends[schema::JobState::FAILED], 30);
}

}  // namespace
}  // namespace tandem::testing
