// What a job's records say when they are applied in order, and which sequences are refused.

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

template <class Fill>
job_record record(Fill fill) {
  message_builder<schema::JobRecord> builder;
  builder->setAtMs(1'234);
  fill(*builder);
  return builder.finish();
}

job_record planned(std::uint32_t id, std::vector<std::uint32_t> needs = {},
                   std::uint32_t epoch = 1) {
  return record([&](auto out) {
    auto step = out.initStepsPlanned(1)[0];
    step.setStep(id);
    step.setEpoch(epoch);
    step.setPrompt("p");
    auto list = step.initDependsOn(static_cast<unsigned>(needs.size()));
    for (unsigned i = 0; i < needs.size(); ++i) list.set(i, needs[i]);
  });
}

job_record done(std::uint32_t id, std::string_view result = "r") {
  return record([&](auto out) {
    out.initStepDone().initAttempt().setStep(id);
    out.getStepDone().setResult(std::string{result});
  });
}

job_record failed(std::uint32_t id, schema::Purpose purpose = schema::Purpose::STEP) {
  return record([&](auto out) {
    auto attempt = out.initAttemptFailed();
    attempt.setStep(id);
    attempt.setPurpose(purpose);
    attempt.setAttempt(9);
    attempt.setEngine("e");
  });
}

job_record complete(std::uint32_t answer) {
  return record([&](auto out) { out.initPlanComplete().setAnswerStep(answer); });
}

job_record epoch(std::uint32_t number) {
  return record([&](auto out) {
    out.initEpochStarted().setEpoch(number);
    out.getEpochStarted().setReason("because");
  });
}

job_record ended(schema::JobState how) {
  return record([&](auto out) { out.initEnded().setState(how); });
}

job_state fresh() {
  return job_state{job_id{journal_id{1}, 2}, {}};
}

/// The error of the last record; all before it must fit.
caf::error last_of(const std::vector<job_record>& records) {
  auto state = fresh();
  std::uint32_t number = 0;
  for (const auto& each : records) {
    auto err = state.apply(++number, each);
    if (number == records.size()) return err;
    EXPECT_FALSE(err) << "record " << number << ": " << message_of(err);
  }
  return {};
}

const job_record submitted = submitted_record(schema::PlanMode::PLAN_ACT);

TEST(job_state, RefusesSequencesThatDoNotFit) {
  const std::vector<std::pair<std::string, std::vector<job_record>>> wrong{
      {"no submission first", {planned(1)}},
      {"submitted twice", {submitted, submitted}},
      {"a duplicate step", {submitted, planned(1), planned(1)}},
      {"an unknown dependency", {submitted, planned(2, {1})}},
      {"a cycle", {submitted, planned(1, {1})}},
      {"step 0", {submitted, planned(0)}},
      {"a step of another epoch", {submitted, planned(1, {}, 2)}},
      {"an answer that is no step", {submitted, planned(1), complete(2)}},
      {"a result of no step", {submitted, done(1)}},
      {"a second result", {submitted, planned(1), done(1), done(1)}},
      {"a second answer", {submitted, done(0), done(0)}},
      {"a failure of no step", {submitted, failed(4)}},
      {"a result of an abandoned step", {submitted, planned(1), epoch(2), done(1)}},
      {"an id of an earlier epoch", {submitted, planned(1), epoch(2), planned(1, {}, 2)}},
      {"an empty record", {submitted, job_record{}}},
  };
  for (const auto& [name, records] : wrong) {
    auto err = last_of(records);
    ASSERT_TRUE(err) << name;
    EXPECT_EQ(code_of(err), errc::corrupted) << name;
    auto place = "record " + std::to_string(records.size()) + " of job " +
                 to_string(job_id{journal_id{1}, 2});
    EXPECT_EQ(message_of(err).find(place), 0u) << message_of(err);
  }
}

TEST(job_state, RefusesRecordsOutOfOrder) {
  auto state = fresh();
  EXPECT_EQ(code_of(state.apply(2, submitted)), errc::corrupted);
  EXPECT_EQ(code_of(state.apply(0, submitted)), errc::corrupted);
  EXPECT_FALSE(state.apply(1, submitted));
  EXPECT_EQ(code_of(state.apply(1, planned(1))), errc::corrupted);
  EXPECT_EQ(code_of(state.apply(3, planned(1))), errc::corrupted);
}

TEST(job_state, TellsWhatTheRecordsSay) {
  auto state = fresh();
  std::uint32_t number = 0;
  for (const auto& each : {submitted, planned(1), planned(2, {1}), complete(2), failed(1),
                           done(1, "one"), failed(0, schema::Purpose::PLAN)})
    ASSERT_FALSE(state.apply(++number, each));
  EXPECT_EQ(state.last_number(), 7u);
  EXPECT_EQ(state.state(), schema::JobState::RUNNING);
  EXPECT_FALSE(state.ended());
  EXPECT_EQ(state.goal(), "the goal");
  EXPECT_EQ(state.tenant(), "tenant");
  EXPECT_EQ(state.priority(), 3);
  EXPECT_EQ(state.mode(), schema::PlanMode::PLAN_ACT);
  EXPECT_EQ(state.submitted_at_ms(), 500u);
  EXPECT_TRUE(state.plan_complete());
  EXPECT_EQ(state.answer_step(), 2u);
  EXPECT_EQ(state.answer(), "") << "there is none yet";
  EXPECT_EQ(state.last_attempt(), 9u);
  ASSERT_NE(state.find_step(1), nullptr);
  EXPECT_TRUE(state.find_step(1)->done);
  EXPECT_EQ(state.find_step(1)->result, "one");
  EXPECT_EQ(state.find_step(1)->failures.total, 1u);
  EXPECT_EQ(state.find_step(1)->failures.engines, std::vector<std::string>{"e"});
  EXPECT_FALSE(state.find_step(2)->done);
  EXPECT_EQ(state.find_step(3), nullptr);
  EXPECT_EQ(state.plan_failures().total, 1u);
  EXPECT_EQ(state.epoch_steps(), (std::vector<std::uint32_t>{1, 2}));
  ASSERT_FALSE(state.apply(8, done(2, "two")));
  EXPECT_EQ(state.answer(), "two");
  ASSERT_FALSE(state.apply(9, ended(schema::JobState::DONE)));
  EXPECT_TRUE(state.ended());
  EXPECT_EQ(state.ended_at_ms(), 1'234u);
}

TEST(job_state, KeepsWhatAnEpochLeavesBehind) {
  auto state = fresh();
  std::uint32_t number = 0;
  for (const auto& each : {submitted, planned(1), planned(2), planned(3), done(2), epoch(2)})
    ASSERT_FALSE(state.apply(++number, each));
  EXPECT_EQ(state.epoch(), 2u);
  EXPECT_EQ(state.epoch_base(), 3u);
  EXPECT_EQ(state.finished_before(), std::vector<std::uint32_t>{2});
  EXPECT_TRUE(state.epoch_steps().empty());
  EXPECT_FALSE(state.plan_complete());
  EXPECT_TRUE(state.find_step(1)->abandoned);
  EXPECT_FALSE(state.find_step(2)->abandoned);
  EXPECT_EQ(state.plan_failures().last_error, "because");
  EXPECT_EQ(state.plan_failures().total, 0u);
  EXPECT_FALSE(state.apply(++number, planned(4, {2}, 2)));
}

TEST(job_state, UsageWrapsAroundInsteadOfOverflowing) {
  auto state = fresh();
  ASSERT_FALSE(state.apply(1, submitted));
  for (std::uint32_t number = 2; number < 4; ++number)
    ASSERT_FALSE(state.apply(number, record([](auto out) {
                               auto attempt = out.initAttemptFailed();
                               attempt.setPurpose(schema::Purpose::PLAN);
                               attempt.initUsage().setCostNanousd(INT64_MAX);
                               attempt.getUsage().setPromptTokens(UINT64_MAX);
                             })));
  EXPECT_EQ(state.usage().cost_nanousd, -2);
}

TEST(job_state, RetryForgetsFailuresAndTakesTheNewDeadline) {
  auto state = fresh();
  std::uint32_t number = 0;
  for (const auto& each :
       {submitted, planned(1), failed(1), failed(0, schema::Purpose::PLAN),
        failed(0, schema::Purpose::COMPOSE), ended(schema::JobState::FAILED), record([](auto out) {
          out.initStateChanged().setState(schema::JobState::RUNNING);
          out.getStateChanged().setDeadlineAtMs(99);
        })})
    ASSERT_FALSE(state.apply(++number, each));
  EXPECT_EQ(state.state(), schema::JobState::RUNNING);
  EXPECT_EQ(state.deadline_at_ms(), 99u);
  EXPECT_EQ(state.ended_at_ms(), 0u);
  EXPECT_EQ(state.find_step(1)->failures.total, 0u);
  EXPECT_EQ(state.plan_failures().total, 0u);
  EXPECT_EQ(state.answer_failures().total, 0u);
}

}  // namespace
}  // namespace tandem::testing
