// What `[[kind]]` changes, other models of a tier, and checks that a plan brings.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string one_step = plan_of({{1, "a", {}}});

job_settings with_kind(kind_config kind) {
  job_settings settings;
  kind.name = "k";
  settings.limits.kinds = {{.name = "other", .tokens_max = 1}, std::move(kind)};
  return settings;
}

/// A job whose first step is under way.
job_driver started(const std::string& plan, const job_settings& settings) {
  job_driver job{plan, settings};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  return job;
}

std::vector<std::string> excluded_models(const tmsg::attempt& attempt) {
  std::vector<std::string> names;
  auto reader = attempt.read();
  for (auto name : reader->getExcludedModels()) names.emplace_back(view(name));
  return names;
}

std::string last_rung(const job_driver& job) {
  return std::string{view(job.journal().back().read()->getAttemptFailed().getRung())};
}

reply failed_by(const std::string& model) {
  auto result = failure(errc::invalid_output, "no number", model + "-1");
  result.model = model;
  return result;
}

TEST(job_kind, HasTokensACheckAndNoCopiesOfItsOwn) {
  auto job = started(
      one_step,
      with_kind({.tokens_max = 17, .check = "regex", .check_argument = "[0-9]+", .hedge = false}));
  auto attempt = job.waiting().at(0).read();
  EXPECT_EQ(attempt->getMaxTokens(), 17u);
  EXPECT_EQ(attempt->getCheck().getKind(), "regex");
  EXPECT_EQ(attempt->getCheck().getArgument(), "[0-9]+");
  EXPECT_FALSE(attempt->getHedge());
}

TEST(job_kind, WithoutOneAStepIsAsTheJobsSectionSays) {
  job_settings settings;
  auto job = started(one_step, settings);
  auto attempt = job.waiting().at(0).read();
  EXPECT_EQ(attempt->getMaxTokens(), settings.limits.step_tokens_max);
  EXPECT_EQ(attempt->getTimeoutMs(), 60'000u);
  EXPECT_EQ(attempt->getCheck().getKind(), "");
  EXPECT_TRUE(attempt->getHedge());
}

TEST(job_kind, ThePlansOwnCheckComesFirst) {
  auto job = started(plan_of({{1, "a", {}, R"("check":{"kind":"number"})"}}),
                     with_kind({.check = "regex", .check_argument = "x"}));
  EXPECT_EQ(job.waiting().at(0).read()->getCheck().getKind(), "number");
}

TEST(job_kind, HasATimeoutOfItsOwnShorterOrLonger) {
  for (auto timeout : {std::chrono::seconds{10}, std::chrono::seconds{300}}) {
    auto job = started(one_step, with_kind({.attempt_timeout = timeout}));
    EXPECT_EQ(job.waiting().at(0).read()->getTimeoutMs(),
              static_cast<std::uint64_t>(timeout.count()) * 1000);
  }
}

TEST(job_kind, NoTimeoutPassesTheJobsDeadline) {
  auto settings = with_kind({.attempt_timeout = std::chrono::seconds{300}});
  job_driver job{{submitted_record(schema::PlanMode::PLAN_ACT, "the goal", 31'000)}, 1, settings};
  job.plan_text = one_step;
  job.pump();
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.waiting().at(0).read()->getTimeoutMs(), 30'000u);
}

TEST(job_kind, HasRungsOfItsOwn) {
  auto job = started(one_step, with_kind({.small_attempts_max = 1, .large_attempts_max = 2}));
  job.answer_step(1, failed_by("small"));
  job.commit_all();
  EXPECT_EQ(last_rung(job), "large");
  job.answer_step(1, failed_by("large"));
  job.commit_all();
  EXPECT_EQ(last_rung(job), "large");
  EXPECT_EQ(job.waiting().at(0).read()->getTier(), "large");
  job.answer_step(1, failed_by("large"));
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 2u);
}

TEST(job_ladder, GivesAStepToAnotherModelOfItsTierBeforeTheLargeOne) {
  job_settings settings;
  settings.other_small_models = 2;
  auto job = started(one_step, settings);
  EXPECT_THAT(excluded_models(job.waiting().at(0)), IsEmpty());
  job.answer_step(1, failed_by("tiny"));
  job.commit_all();
  EXPECT_EQ(last_rung(job), "retry");
  EXPECT_THAT(excluded_models(job.waiting().at(0)), IsEmpty()) << "the same model elsewhere";
  job.answer_step(1, failed_by("tiny"));
  job.commit_all();
  EXPECT_EQ(last_rung(job), "other model");
  EXPECT_EQ(job.waiting().at(0).read()->getTier(), "small");
  EXPECT_THAT(excluded_models(job.waiting().at(0)), ElementsAre("tiny"));
  job.answer_step(1, failed_by("mini"));
  job.commit_all();
  EXPECT_EQ(last_rung(job), "large") << "[jobs] other_models_max is 1";
  EXPECT_EQ(job.waiting().at(0).read()->getTier(), "large");
  EXPECT_THAT(excluded_models(job.waiting().at(0)), IsEmpty());
}

TEST(job_ladder, RemembersTheRungAfterACrash) {
  job_settings settings;
  settings.other_small_models = 1;
  auto job = started(one_step, settings);
  for (int i = 0; i < 2; ++i) {
    job.answer_step(1, failed_by("tiny"));
    job.commit_all();
  }
  job.crash();
  job.pump();
  EXPECT_EQ(job.waiting().at(0).read()->getTier(), "small");
  EXPECT_THAT(excluded_models(job.waiting().at(0)), ElementsAre("tiny"));
}

/// Only `number` and the command `mine` can be used.
job_settings with_checks() {
  job_settings settings;
  settings.check_problem = [](std::string_view kind, std::string_view) {
    return kind == "number" || kind == "command" ? std::string{}
                                                 : "no check '" + std::string{kind} + "'";
  };
  settings.check_commands = {"mine"};
  return settings;
}

TEST(job_checks, AnUnusableCheckFailsThePlanAndNotTheJob) {
  auto bad = plan_of({{1, "a", {}, R"("check":{"kind":"number"})"},
                      {2, "b", {}, R"("check":{"kind":"regexp","argument":"("})"}});
  job_driver job{bad, with_checks()};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::RUNNING);
  EXPECT_EQ(job.state().find_step(2), nullptr);
  // Asked for a new plan, since the first step was journaled already.
  EXPECT_EQ(job.state().epoch(), 2u);
  auto plan = job.waiting().at(0).read();
  EXPECT_EQ(plan->getPurpose(), schema::Purpose::PLAN);
  EXPECT_THAT(std::string{view(plan->getPlanError())}, HasSubstr("step 2: no check 'regexp'"));
  job.plan_text = one_step;
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_checks, AnUnusableCheckInTheFirstStepIsAskedForAgain) {
  job_driver job{plan_of({{1, "a", {}, R"("check":{"kind":"regexp"})"}}), with_checks()};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.state().epoch(), 1u);
  EXPECT_EQ(last_rung(job), "retry");
  EXPECT_THAT(std::string{view(job.waiting().at(0).read()->getPlanError())},
              HasSubstr("step 1: no check 'regexp'"));
}

TEST(job_checks, APlanMayNameOnlyCommandsThatThereAre) {
  job_driver job{plan_of({{1, "a", {}, R"("check":{"kind":"command","argument":"mine"})"}}),
                 with_checks()};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.waiting().at(0).read()->getCheck().getArgument(), "mine");
  job_driver other{plan_of({{1, "a", {}, R"("check":{"kind":"command","argument":"rm"})"}}),
                   with_checks()};
  other.pump();
  other.answer_step(0);
  other.commit_all();
  EXPECT_THAT(std::string{view(other.waiting().at(0).read()->getPlanError())},
              HasSubstr("there is no [[check]] 'rm'"));
}

TEST(job_checks, AStreamedPlanWithAnUnusableCheckIsStoppedEarly) {
  auto bad = plan_of({{1, "a", {}, R"("check":{"kind":"regexp"})"}, {2, "b", {}}});
  job_driver job{bad, with_checks()};
  job.pump();
  auto attempt = job.take(0);
  job.chunk(attempt, 0, bad.substr(0, bad.size() - 5));
  ASSERT_EQ(job.cancels().size(), 1u);
  EXPECT_EQ(view(job.cancels()[0].read()->getReason()), "the plan is not usable");
  job.answer(attempt, {.text = bad.substr(0, bad.size() - 5), .code = errc::cancelled});
  job.commit_all();
  EXPECT_EQ(job.state().plan_failures().total, 1u);
  EXPECT_EQ(job.state().usage().calls, 1u);
  EXPECT_EQ(job.waiting().at(0).read()->getPurpose(), schema::Purpose::PLAN);
}

}  // namespace
}  // namespace tandem::testing
