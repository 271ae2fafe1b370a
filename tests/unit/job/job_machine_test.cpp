// The way of a job on which nothing fails.

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

const std::string diamond = plan_of({{1, "one", {}},
                                     {2, "left {{1}}", {1}},
                                     {3, "right {{1}}", {1}},
                                     {4, "{{2}} and {{3}}", {2, 3}}});
const std::string diamond_answer = "r(r(left r(one)) and r(right r(one)))";

TEST(job_machine, CarriesAPlanToItsAnswer) {
  job_driver job{diamond};
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  EXPECT_EQ(job.state().answer(), diamond_answer);
  EXPECT_EQ(job.state().usage().calls, 5u);
  EXPECT_EQ(job.state().usage().prompt_tokens, 50u);
  EXPECT_EQ(job.sent().size(), 5u);
}

TEST(job_machine, AsksForThePlanWithTheWholeGoal) {
  job_settings settings;
  settings.limits.plan_tokens_max = 321;
  settings.limits.steps_max = 9;
  job_driver job{diamond, settings};
  job.pump();
  ASSERT_EQ(job.sent().size(), 1u);
  auto plan = job.sent()[0].read();
  EXPECT_EQ(plan->getPurpose(), schema::Purpose::PLAN);
  EXPECT_TRUE(plan->getStream());
  EXPECT_EQ(plan->getMaxTokens(), 321u);
  EXPECT_EQ(plan->getStepsMax(), 9u);
  EXPECT_EQ(plan->getFence().getJob().getJournal(), 77u);
  EXPECT_EQ(plan->getFence().getJob().getNumber(), 5u);
  EXPECT_EQ(plan->getFence().getAttempt(), 1u);
  EXPECT_EQ(plan->getFence().getEpoch(), 1u);
  ASSERT_EQ(plan->getMessages().size(), 2u);
  EXPECT_EQ(plan->getMessages()[0].getRole(), schema::Role::SYSTEM);
  EXPECT_EQ(plan->getMessages()[1].getContent(), "the goal");
  EXPECT_EQ(plan->getTemperature(), 0.0f);
  EXPECT_FALSE(plan->hasPlanError());
  EXPECT_FALSE(plan->hasFinished());
}

TEST(job_machine, EndsInOneWriteWithTheLastResult) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  job.answer_step(2);
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_EQ(kinds_of(job.writes()[0]), "done ended");
  // The summary of the job travels in the same write, so its state runs ahead by it.
  EXPECT_TRUE(job.state().ended());
  EXPECT_EQ(job.machine().committed_number(), job.state().last_number() - 2);
  job.commit_all();
  EXPECT_EQ(job.machine().committed_number(), job.state().last_number());
  EXPECT_EQ(job.state().answer(), "r(b)");
}

TEST(job_machine, EndsWhenThePlanIsCompletedLast) {
  auto plan = plan_of({{1, "a", {}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, plan.substr(0, plan.size() - 1));
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  EXPECT_FALSE(job.state().ended());
  job.answer(planning, job.default_reply(*planning.read()));
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_EQ(kinds_of(job.writes()[0]), "complete ended");
  job.commit_all();
  EXPECT_EQ(job.state().answer(), "r(a)");
}

TEST(job_machine, EndsWhenTheLastResultAndThePlanAreInOneBatch) {
  auto plan = plan_of({{1, "a", {}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  job.chunk(planning, 0, plan.substr(0, plan.size() - 1));
  job.commit_all();
  job.answer_step(1);
  job.answer(planning, job.default_reply(*planning.read()));
  ASSERT_EQ(job.writes().size(), 2u);
  EXPECT_EQ(kinds_of(job.writes()[0]), "done");
  EXPECT_EQ(kinds_of(job.writes()[1]), "complete ended");
  job.commit_all();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_machine, RunsIndependentStepsAtOnce) {
  job_driver job{diamond};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 1u);
  job.answer_step(1);
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u);
  EXPECT_EQ(job.machine().in_flight(), 2u);
}

TEST(job_machine, NeverExceedsTheStepsInFlight) {
  std::vector<plan_step> steps;
  for (std::uint32_t id = 1; id <= 20; ++id) steps.push_back({id, "p", {}});
  job_settings settings;
  settings.limits.steps_in_flight_max = 3;
  job_driver job{plan_of(steps), settings};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  std::size_t most = 0;
  while (!job.waiting().empty()) {
    most = std::max(most, job.waiting().size());
    job.answer_step(job.waiting()[0].read()->getFence().getStep());
    job.commit_all();
  }
  EXPECT_EQ(most, 3u);
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
}

TEST(job_machine, DispatchesStepsWhileThePlanIsStillWritten) {
  job_driver job{diamond};
  job.pump();
  auto planning = job.take(0);
  auto second = diamond.find("{\"id\":2");
  job.chunk(planning, 0, diamond.substr(0, second));
  ASSERT_EQ(job.writes().size(), 1u);
  EXPECT_TRUE(job.waiting().empty()) << "its record is not durable yet";
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(prompt_of(*job.waiting()[0].read()), "one");
  EXPECT_FALSE(job.state().plan_complete());
  job.answer_step(1);
  job.commit_all();
  job.chunk(planning, 1, diamond.substr(second, 40));
  EXPECT_TRUE(job.writes().empty()) << "no further step is whole";
  job.chunk(planning, 2, diamond.substr(second + 40));
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 2u);
  job.answer(planning, job.default_reply(*planning.read()));
  job.run();
  EXPECT_EQ(job.state().answer(), diamond_answer);
  EXPECT_EQ(job.sent().size(), 5u);
}

TEST(job_machine, DispatchesDependentsOnlyAfterTheResultIsDurable) {
  job_driver job{plan_of({{1, "a", {}}, {2, "{{1}}", {1}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1);
  job.pump();
  EXPECT_TRUE(job.waiting().empty());
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  EXPECT_EQ(prompt_of(*job.waiting()[0].read()), "r(a)");
}

TEST(job_machine, TakesTheRestOfAPlanFromItsResultWhenChunksWereLost) {
  job_driver job{diamond};
  job.pump();
  auto planning = job.take(0);
  auto second = diamond.find("{\"id\":2");
  job.chunk(planning, 0, diamond.substr(0, second));
  job.chunk(planning, 2, diamond.substr(second + 30));
  job.chunk(planning, 1, diamond.substr(second, 30));
  job.answer(planning, job.default_reply(*planning.read()));
  job.run();
  EXPECT_EQ(job.state().answer(), diamond_answer);
  EXPECT_EQ(job.state().steps().size(), 4u);
}

TEST(job_machine, TakesAPlanCutWithinCharacters) {
  auto plan = plan_of({{1, "grüße 世界", {}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  for (std::size_t i = 0; i < plan.size(); ++i)
    job.chunk(planning, static_cast<std::uint32_t>(i), plan.substr(i, 1));
  job.answer(planning, job.default_reply(*planning.read()));
  job.run();
  EXPECT_EQ(job.state().answer(), "r(grüße 世界)");
}

TEST(job_machine, DoesNothingOnStaleReplies) {
  job_driver job{diamond};
  job.pump();
  auto planning = job.take(0);
  job.answer(planning, job.default_reply(*planning.read()));
  job.commit_all();
  auto before = job.state().last_number();
  auto one = job.waiting()[0];
  auto forge = [&](auto change) {
    message_builder<schema::Attempt> forged;
    forged.copy(*one.read());
    change(forged->getFence());
    job.answer(forged.finish(), {.text = "forged"});
  };
  forge([](auto fence) { fence.setEpoch(2); });
  forge([](auto fence) { fence.setStep(2); });
  forge([](auto fence) { fence.setAttempt(99); });
  // The plan once more, whole and in pieces.
  job.answer(planning, job.default_reply(*planning.read()));
  job.chunk(planning, 0, diamond);
  EXPECT_TRUE(job.writes().empty());
  EXPECT_EQ(job.state().last_number(), before);
  EXPECT_EQ(job.machine().in_flight(), 1u);
  job.answer_step(1);
  job.answer(one, {.text = "again"});
  EXPECT_EQ(job.writes().size(), 1u);
  job.run();
  EXPECT_EQ(job.state().answer(), diamond_answer);
}

TEST(job_machine, OfRepliesAfterTheEndOnlyTheCostCounts) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  auto late = job.waiting()[0];
  job.command(schema::JobAction::CANCEL);
  job.commit_all();
  EXPECT_EQ(kind_of(job.journal().back()), "ended");
  EXPECT_FALSE(job.machine().at_rest()) << "what was told to stop has not said what it cost";
  auto before = job.state().usage();
  job.answer(late, {.text = "late", .prompt_tokens = 7, .completion_tokens = 3});
  job.commit_all();
  EXPECT_EQ(job.state().usage().prompt_tokens, before.prompt_tokens + 7);
  EXPECT_EQ(job.state().usage().completion_tokens, before.completion_tokens + 3);
  EXPECT_EQ(job.state().find_step(1)->done, false);
  EXPECT_EQ(job.state().state(), schema::JobState::CANCELLED);
}

TEST(job_machine, FillsResultsInOnceAndNeverScansThemAgain) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}, {3, "x {{1}} y {{2}} z {{9}}", {1, 2}}})};
  job.on_attempt = [&](attempt_reader attempt) {
    if (attempt.getFence().getStep() == 1) return reply{.text = "{{2}}"};
    if (attempt.getFence().getStep() == 2) return reply{.text = "two"};
    return job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().answer(), "r(x {{2}} y two z {{9}})");
}

TEST(job_machine, ComposesTheAnswerWhenAllStepsAreDone) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}}, R"({"compose":"say {{1}}, {{2}}"})")};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1);
  job.commit_all();
  EXPECT_EQ(job.waiting().size(), 1u) << "the answer needs both steps";
  job.answer_step(2);
  EXPECT_EQ(kinds_of(job.writes()[0]), "done");
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 1u);
  auto compose = job.waiting()[0].read();
  EXPECT_EQ(compose->getPurpose(), schema::Purpose::COMPOSE);
  EXPECT_EQ(prompt_of(*compose), "say r(a), r(b)");
  job.answer_step(0);
  EXPECT_EQ(kinds_of(job.writes()[0]), "done ended");
  job.commit_all();
  EXPECT_EQ(job.state().answer(), "c(say r(a), r(b))");
  EXPECT_EQ(job.state().answer_step(), 0u);
}

TEST(job_machine, AnswersWithTheStepThatThePlanNames) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b", {}}}, "1")};
  job.run();
  EXPECT_EQ(job.state().answer(), "r(a)");
  EXPECT_TRUE(job.state().find_step(2)->done) << "every step of the plan runs";
}

TEST(job_machine, AnswersDirectlyWithoutAPlan) {
  for (auto mode : {schema::PlanMode::SMALL, schema::PlanMode::LARGE}) {
    job_driver job{"", {}, mode};
    job.pump();
    ASSERT_EQ(job.waiting().size(), 1u);
    auto attempt = job.waiting()[0].read();
    EXPECT_EQ(attempt->getPurpose(), schema::Purpose::ANSWER);
    EXPECT_EQ(attempt->getTier(), mode == schema::PlanMode::SMALL ? "small" : "large");
    EXPECT_EQ(attempt->getMessages().size(), 2u);
    EXPECT_FALSE(attempt->getStream());
    job.answer_step(0);
    EXPECT_EQ(kinds_of(job.writes()[0]), "done ended");
    job.run();
    EXPECT_EQ(job.state().answer(), "a(the goal)");
    EXPECT_EQ(job.sent().size(), 1u);
  }
}

TEST(job_machine, PassesChecksOn) {
  job_driver job{plan_of({{1, "a", {}, R"("check":{"kind":"regex","argument":"[0-9]+"})"},
                          {2, "b", {}, R"("check":{"kind":"number"})"},
                          {3, "c", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  ASSERT_EQ(job.waiting().size(), 3u);
  for (const auto& attempt : job.waiting()) {
    auto reader = attempt.read();
    auto check = reader->getCheck();
    auto step = reader->getFence().getStep();
    EXPECT_EQ(check.getKind(), step == 1 ? "regex" : step == 2 ? "number" : "");
    EXPECT_EQ(check.getArgument(), step == 1 ? "[0-9]+" : "");
    EXPECT_EQ(reader->getKind(), "k");
    EXPECT_EQ(reader->getMaxTokens(), planner_config{}.step_tokens_max);
  }
}

TEST(job_machine, PinsTheWeightVersionsThatItHasUsed) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}, {3, "c {{2}}", {2}}})};
  job.on_attempt = [&](attempt_reader attempt) {
    auto result = job.default_reply(attempt);
    result.weight_version = attempt.getPurpose() == schema::Purpose::PLAN ? "L7" : "S3";
    if (attempt.getFence().getStep() == 2 && attempt.getTries() == 0) result.weight_version = "S4";
    return result;
  };
  job.pump();
  EXPECT_EQ(job.waiting()[0].read()->getPinnedVersions().size(), 0u);
  job.run();
  auto last = job.sent().back().read();
  std::map<std::string, std::string> pins;
  for (auto pin : last->getPinnedVersions())
    pins.emplace(view(pin.getModel()), view(pin.getWeightVersion()));
  // A model's first version stays the one that counts; what came of another was asked for again.
  EXPECT_EQ(job.sent_for(2), 2u);
  EXPECT_EQ(pins, (std::map<std::string, std::string>{{"large", "L7"}, {"small", "S3"}}));
}

TEST(job_machine, GivesAttemptsNoMoreTimeThanTheJobHas) {
  job_settings settings;
  settings.limits.attempt_timeout = std::chrono::milliseconds{5'000};
  std::vector<job_record> journal{submitted_record(schema::PlanMode::SMALL, "goal", 10'000)};
  job_driver early{journal, 1, settings};
  early.now = 1'000;
  early.pump();
  EXPECT_EQ(early.waiting()[0].read()->getTimeoutMs(), 5'000u);
  job_driver late{journal, 1, settings};
  late.now = 9'900;
  late.pump();
  EXPECT_EQ(late.waiting()[0].read()->getTimeoutMs(), 100u);
}

}  // namespace
}  // namespace tandem::testing
