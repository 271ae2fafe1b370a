#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "actors/job/job_rewards.hpp"
#include "tests/unit/job/job_driver.hpp"

namespace tandem {
namespace {

using namespace testing;

/// A job of mode `auto` with a check of its answer.
job_driver routed(bool checked = true) {
  terms with;
  if (checked) with = {.check_kind = "exact", .check_argument = "right"};
  job_driver job{{submitted_record(schema::PlanMode::AUTO, "the goal", 0, with)}, 1};
  job.plan_text = plan_of({{1, "a", {}}});
  job.pump();
  return job;
}

void choose(job_driver& job, const std::string& way, std::uint64_t decision) {
  ASSERT_EQ(job.waiting().size(), 1u);
  ASSERT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::WAY);
  job.answer_step(0, {.text = way, .model = "auto", .decision = decision});
  job.commit_all();
}

std::vector<std::string> failed_ways(const job_driver& job) {
  std::vector<std::string> names;
  for (auto way : job.waiting().at(0).read()->getWays()) names.emplace_back(view(way));
  return names;
}

/// `way 7: 1`, for every reward that says a quality.
std::vector<std::string> said(const job_driver& job) {
  std::vector<std::string> lines;
  for (const auto& reward : job.rewards()) {
    auto reader = reward.read();
    if (reader->getQuality() < 0 || reader->getDecision() == 0) continue;
    const char* purpose = reader->getPurpose() == schema::Purpose::WAY      ? "way "
                          : reader->getPurpose() == schema::Purpose::PLAN   ? "plan "
                          : reader->getPurpose() == schema::Purpose::ANSWER ? "answer "
                                                                            : "step ";
    lines.push_back(purpose + std::to_string(reader->getDecision()) + ": " +
                    std::to_string(static_cast<int>(reader->getQuality())));
  }
  return lines;
}

TEST(job_ways, TheRouterChoosesWhetherAJobIsPlanned) {
  auto job = routed();
  choose(job, "plan_act", 7);
  EXPECT_EQ(job.state().mode(), schema::PlanMode::PLAN_ACT);
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::PLAN);
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_ways, OneCallGoesToTheTierOfTheWay) {
  for (auto [way, tier] : {std::pair{"small", "small"}, std::pair{"large", "large"}}) {
    auto job = routed();
    choose(job, way, 7);
    ASSERT_EQ(job.waiting().size(), 1u);
    EXPECT_EQ(job.waiting()[0].read()->getPurpose(), schema::Purpose::ANSWER);
    EXPECT_EQ(view(job.waiting()[0].read()->getTier()), tier);
  }
}

TEST(job_ways, AWrongAnswerBringsAnotherWayAndTheRouterIsTold) {
  auto job = routed();
  choose(job, "small", 7);
  job.answer_step(0, failure(errc::invalid_output, "it is not 'right'"));
  job.commit_all();
  EXPECT_EQ(said(job), std::vector<std::string>{"way 7: 0"});
  EXPECT_EQ(failed_ways(job), std::vector<std::string>{"small"});
  EXPECT_EQ(job.waiting()[0].read()->getTries(), 1u);
  choose(job, "large", 8);
  job.answer_step(0, {.text = "right", .decision = 9});
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(said(job), (std::vector<std::string>{"way 7: 0", "way 8: 1", "answer 9: 1"}));
}

TEST(job_ways, AJobFailsWhenEveryWayHasFailed) {
  auto job = routed();
  std::uint64_t decision = 10;
  for (const auto* way : {"small", "large"}) {
    choose(job, way, ++decision);
    job.answer_step(0, failure(errc::invalid_output));
    job.commit_all();
  }
  EXPECT_EQ(failed_ways(job), (std::vector<std::string>{"small", "large"}));
  choose(job, "plan_act", 13);
  job.on_attempt = [&job](attempt_reader attempt) {
    return attempt.getPurpose() == schema::Purpose::VERIFY ? failure(errc::invalid_output)
                                                           : job.default_reply(attempt);
  };
  // Its second plan continues the ids.
  job.answer_step(0, {.text = plan_of({{1, "a", {}}})});
  job.commit_all();
  job.plan_text = plan_of({{2, "b", {}}});
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(said(job).back(), "way 13: 0");
}

TEST(job_ways, WithoutTheRoutersWordAJobIsPlanned) {
  auto job = routed();
  job.answer_step(0, failure(errc::internal, "the router is broken"));
  job.commit_all();
  EXPECT_EQ(job.state().mode(), schema::PlanMode::PLAN_ACT);
  EXPECT_EQ(job.state().way_decision(), 0u);
}

TEST(job_ways, ABusyRouterIsWaitedFor) {
  auto job = routed();
  job.answer_step(0, failure(errc::overloaded));
  job.commit_all();
  EXPECT_EQ(job.state().mode(), schema::PlanMode::AUTO);
  EXPECT_TRUE(job.wants_wake());
  job.wake();
  choose(job, "small", 1);
  EXPECT_EQ(job.state().mode(), schema::PlanMode::SMALL);
}

TEST(job_ways, WhatSurvivesACrashIsTheWayThatIsDurable) {
  auto job = routed();
  job.answer_step(0, {.text = "small", .decision = 7});
  job.crash();
  EXPECT_EQ(job.state().mode(), schema::PlanMode::AUTO) << "it is asked for again";
  job.pump();
  choose(job, "large", 8);
  job.crash();
  EXPECT_EQ(job.state().mode(), schema::PlanMode::LARGE);
  EXPECT_EQ(job.state().way_decision(), 8u);
  job.pump();
  job.answer_step(0, failure(errc::invalid_output));
  job.commit_all();
  job.crash();
  EXPECT_EQ(job.state().mode(), schema::PlanMode::AUTO);
  job.pump();
  EXPECT_EQ(failed_ways(job), std::vector<std::string>{"large"});
}

TEST(job_ways, TheEndSaysWhatItUsedByModelAlsoWithoutACheck) {
  auto job = routed(false);
  choose(job, "small", 7);
  job.answer_step(0, {.text = "something", .completion_tokens = 4});
  job.commit_all();
  EXPECT_TRUE(said(job).empty()) << "nobody knows whether it is right";
  ASSERT_EQ(job.rewards().size(), 1u);
  auto end = job.rewards()[0].read();
  EXPECT_EQ(end->getDecision(), 7u);
  EXPECT_EQ(end->getPurpose(), schema::Purpose::WAY);
  ASSERT_EQ(end->getTokens().size(), 1u);
  EXPECT_EQ(view(end->getTokens()[0].getModel()), "small");
  EXPECT_EQ(end->getTokens()[0].getCompletion(), 4u);
}

TEST(job_rewards, TheVerdictOnTheAnswerGoesToAllThatHadAPartInIt) {
  job_driver job{{submitted_record(schema::PlanMode::PLAN_ACT, "the goal", 0,
                                   {.check_kind = "exact", .check_argument = "right"})},
                 1};
  job.pump();
  job.answer_step(0, {.text = plan_of({{1, "a", {}}}), .decision = 3});
  job.commit_all();
  job.answer_step(1, {.text = "right", .decision = 4});
  job.commit_all();
  job.answer_step(0, {.text = "right"});
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(said(job), (std::vector<std::string>{"step 4: 1", "plan 3: 1"}));
}

TEST(job_rewards, APlanThatCannotBeReadIsWorthNothing) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0, {.text = "no plan", .decision = 3});
  job.commit_all();
  EXPECT_EQ(said(job), std::vector<std::string>{"plan 3: 0"});
}

TEST(job_rewards, AJobThatACancelledSaysNothingOfQuality) {
  auto job = routed();
  choose(job, "small", 7);
  job.command(schema::JobAction::CANCEL);
  job.commit_all();
  EXPECT_TRUE(said(job).empty());
}

TEST(job_rewards, AUsersScoreOfTheWholeDoesNotOverruleAStepsOwnVerdict) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0, {.text = plan_of({{1, "a", {}}}), .decision = 3});
  job.commit_all();
  job.answer_step(1, {.text = "x", .decision = 4});
  job.commit_all();
  auto before = job.rewards().size();
  job.carry_out(job.machine().on_feedback(0.25f, {}, job.now));
  job.commit_all();
  ASSERT_EQ(job.rewards().size(), before + 2);
  for (auto i = before; i < job.rewards().size(); ++i) {
    auto reward = job.rewards()[i].read();
    auto step = reward->getPurpose() == schema::Purpose::STEP;
    EXPECT_EQ(reward->getSource(), step ? schema::RewardSource::JOB : schema::RewardSource::USER);
    EXPECT_FLOAT_EQ(static_cast<float>(reward->getQuality()), 0.25f);
  }
}

}  // namespace
}  // namespace tandem
