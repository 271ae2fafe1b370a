#include "nodes/cli/job_text.hpp"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "nodes/cli/follow.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/types.hpp"

namespace tandem::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr job_id id{journal_id{0x123456789a}, 7};
constexpr std::uint64_t began_ms = 1'700'000'000'000;

void fill_summary(schema::JobSummary::Builder summary, schema::JobState state) {
  summary.getJob().setJournal(id.journal.value);
  summary.getJob().setNumber(id.number);
  summary.setState(state);
  summary.setGoal("add\nthings");
  summary.setMode(schema::PlanMode::PLAN_ACT);
  summary.setSubmittedAtMs(began_ms);
  summary.setDeadlineAtMs(began_ms + 60'000);
  summary.setEpoch(1);
  summary.setStepsDone(1);
  summary.setStepsTotal(2);
  summary.setFeedback(-1);
  auto usage = summary.initUsage();
  usage.setCalls(3);
  usage.setPromptTokens(1234);
  usage.setCachedPromptTokens(200);
  usage.setCompletionTokens(56);
  usage.setCostNanousd(123'000);
  usage.setCostAllLargeNanousd(4'920'000);
}

void fill_step(schema::StepView::Builder step, std::uint32_t number,
               std::vector<std::uint32_t> needs, const char* result) {
  step.setStep(number);
  step.setEpoch(1);
  step.setKind("calc");
  step.setPrompt("prompt " + std::to_string(number));
  auto list = step.initDependsOn(static_cast<unsigned>(needs.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, needs[i]);
  step.setState(result == nullptr ? schema::StepState::WAITING : schema::StepState::DONE);
  if (result != nullptr) {
    step.setResult(result);
    step.setModel("small");
    step.setDoneAtMs(began_ms + 300);
  }
}

void fill_failure(schema::AttemptView::Builder attempt, std::uint32_t step) {
  attempt.setAttempt(2);
  attempt.setStep(step);
  attempt.setPurpose(schema::Purpose::STEP);
  attempt.setEngine("small-0");
  attempt.getError().setCode(schema::Errc::ENGINE_FAILED);
  attempt.getError().setMessage("broke \x1b[31moff");
  attempt.setRung("elsewhere");
  attempt.setTotalUs(12'000);
}

tmsg::jobview make_view() {
  message_builder<schema::JobView> view;
  fill_summary(view->initSummary(), schema::JobState::RUNNING);
  auto steps = view->initSteps(3);
  fill_step(steps[0], 1, {}, "19");
  fill_step(steps[1], 2, {1}, nullptr);
  fill_step(steps[2], 3, {2}, nullptr);
  fill_failure(view->initAttempts(1)[0], 2);
  view->setAnswerStep(3);
  view->setPlanComplete(true);
  return view.finish();
}

/// Events as a follower gets them.
class events {
 public:
  using fill = std::function<void(schema::JobEvent::Builder)>;

  /// The line that is printed; the picture knows the event afterwards.
  std::string add(const fill& fill) {
    message_builder<schema::JobEvent> event;
    event->setNumber(++number_);
    event->setAtMs(began_ms + number_ * 100);
    fill(*event);
    auto message = event.finish();
    auto text = event_text(*message.read(), picture, {});
    picture.apply(*message.read());
    json.push_back(to_json(*message.read()));
    return text;
  }
  std::string add_state(schema::JobState state) {
    return add(
        [state](schema::JobEvent::Builder event) { fill_summary(event.initState(), state); });
  }
  std::string add_step(std::uint32_t number, std::vector<std::uint32_t> needs, const char* result) {
    return add([&](schema::JobEvent::Builder event) {
      fill_step(event.initSteps(1)[0], number, needs, result);
    });
  }

  job_picture picture;
  std::vector<std::string> json;

 private:
  std::uint64_t number_ = 0;
};

TEST(JobText, DrawsThePlanInPlainText) {
  job_picture picture;
  picture.apply(*make_view().read());
  EXPECT_THAT(graph_lines(picture, {}),
              ElementsAre("STEP         KIND  NEEDS  MODEL  PROMPT    RESULT",
                          "[x] 1        calc         small  prompt 1  19",
                          "  [>] 2      calc  1             prompt 2  running, 1 failed: "
                          "engine_failed: broke off",
                          "    [ ] 3 *  calc  2             prompt 3"));
}

TEST(JobText, DrawsSymbolsOnATerminal) {
  job_picture picture;
  picture.apply(*make_view().read());
  auto lines = graph_lines(picture, {.colour = true, .unicode = true, .width = 100});
  EXPECT_THAT(lines[1], HasSubstr("\x1b[32m✓ 1\x1b[0m"));
  EXPECT_THAT(lines[2], HasSubstr("● 2"));
  EXPECT_THAT(lines[3], HasSubstr("○ 3 ★"));
}

TEST(JobText, LeavesFinishedStepsOutFirst) {
  job_picture picture;
  picture.apply(*make_view().read());
  auto lines = graph_lines(picture, {}, 2);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[1], HasSubstr("[>] 2"));
  EXPECT_THAT(lines[2], HasSubstr("[ ] 3"));
  EXPECT_EQ(lines[3], "1 more steps are not shown");
}

TEST(JobText, ShowsAllOfAJobWithoutControlCharacters) {
  auto text = job_text(*make_view().read(), {}, began_ms + 2'500);
  EXPECT_THAT(text, HasSubstr("job      " + to_string(id) + "  running for 2.50 s\n"));
  EXPECT_THAT(text, HasSubstr("goal     add\n         things\n"));
  EXPECT_THAT(text, HasSubstr("must end in 57 s"));
  EXPECT_THAT(text, HasSubstr("tokens   1,234 in (200 cached), 56 out; 3 calls\n"));
  EXPECT_THAT(text, HasSubstr("cost     $0.000123; all large $0.004920: 97.5% saved\n"));
  EXPECT_THAT(text, HasSubstr("step 2"));
  EXPECT_THAT(text, HasSubstr("engine_failed: broke off; then: elsewhere"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(JobText, ShowsTheBudgetAndSecondCopies) {
  message_builder<schema::JobView> job;
  fill_summary(job->initSummary(), schema::JobState::RUNNING);
  auto budget = job->getSummary().initBudget();
  budget.setTokens(5'000);
  budget.setCostNanousd(1'000'000'000);
  auto attempt = job->initAttempts(1)[0];
  attempt.setPurpose(schema::Purpose::STEP);
  attempt.setHedged(true);
  auto text = job_text(job->asReader(), {}, began_ms);
  EXPECT_THAT(text, HasSubstr("budget   1,290 of 5,000 tokens used, $0.000123 of $1.0000 spent\n"));
  EXPECT_THAT(text, HasSubstr("ok (slow: a second copy ran too)\n"));
  budget.setTokens(0);
  EXPECT_THAT(job_text(job->asReader(), {}, began_ms),
              HasSubstr("budget   $0.000123 of $1.0000 spent\n"));
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  ASSERT_EQ(parser.parse(to_json(job->asReader())).get(json), simdjson::SUCCESS);
  EXPECT_TRUE(json["budget"]["tokens"].is_null());
  EXPECT_EQ(std::int64_t{json["budget"]["cost_nanousd"]}, 1'000'000'000);
  EXPECT_TRUE(bool{json["attempts"].at(0)["hedged"]});
}

TEST(JobText, ListsJobsOnALineEach) {
  message_builder<schema::JobList> list;
  fill_summary(list->initJobs(1)[0], schema::JobState::DONE);
  list->getJobs()[0].setEndedAtMs(began_ms + 1'300);
  auto text = jobs_text(list->asReader(), {}, began_ms + 180'000);
  auto line = text.substr(text.find('\n') + 1);
  EXPECT_THAT(
      line, testing::MatchesRegex(
                to_string(id) + " +done +1/2 +3 min ago +1.30 s +.0.000123 +97.5% +add things\n"));
}

TEST(JobText, NamesJournalsWhoseJobsAreNotListed) {
  message_builder<schema::JobList> list;
  auto missing = list->initMissing(2);
  missing[0].setJournal(5);
  missing[0].setNode("c");
  missing[0].setWaiting(true);
  missing[1].setJournal(6);
  missing[1].setNode("d");
  EXPECT_EQ(missing_text(list->asReader(), {}),
            "waiting for journal " + to_string(journal_id{5}) + " (node c)\njournal " +
                to_string(journal_id{6}) + " (node d) did not answer\n");
}

TEST(JobText, SaysHowAJobEnded) {
  message_builder<schema::JobSummary> summary;
  fill_summary(*summary, schema::JobState::DONE);
  summary->setEndedAtMs(began_ms + 1'300);
  summary->setSimulated(true);
  EXPECT_EQ(ending_text(summary->asReader()),
            "done in 1.30 s, 1 of 2 steps, $0.000123 (97.5% saved against all large), simulated");
}

TEST(Events, AreLinesOfALog) {
  events job;
  EXPECT_EQ(job.add_state(schema::JobState::RUNNING), "    0.100 s  running\n");
  EXPECT_EQ(job.add_step(1, {}, nullptr), "    0.200 s  planned  1 calc: prompt 1\n");
  EXPECT_EQ(job.add_step(2, {1}, nullptr), "    0.300 s  planned  2 calc: prompt 2 (needs 1)\n");
  EXPECT_EQ(job.add([](auto event) { event.initPlanComplete().setAnswerStep(2); }),
            "    0.400 s  plan     2 steps, the answer is step 2\n");
  EXPECT_EQ(job.add_step(1, {}, "19\nor \x1b[1mso"),
            "    0.500 s  step     1 calc: 19 or so (small)\n");
  EXPECT_EQ(job.add([](auto event) { fill_failure(event.initAttemptFailed(), 2); }),
            "    0.600 s  failed   step 2 on small-0: engine_failed: broke off; then: elsewhere\n");
  EXPECT_EQ(job.add([](auto event) {
    event.initEpoch().setEpoch(2);
    event.getEpoch().setReason("step 2 has no way on");
  }),
            "    0.700 s  replan   plan 2: step 2 has no way on\n");
}

TEST(Events, MakeThePicture) {
  events job;
  job.add_state(schema::JobState::RUNNING);
  job.add_step(1, {}, nullptr);
  job.add_step(2, {1}, nullptr);
  EXPECT_EQ(job.picture.state_of(1), schema::StepState::RUNNING);
  EXPECT_EQ(job.picture.state_of(2), schema::StepState::WAITING);
  job.add_step(1, {}, "19");
  EXPECT_EQ(job.picture.state_of(1), schema::StepState::DONE);
  EXPECT_EQ(job.picture.state_of(2), schema::StepState::RUNNING);
  job.add_state(schema::JobState::PAUSED);
  EXPECT_EQ(job.picture.state_of(2), schema::StepState::WAITING);
  job.add([](auto event) { event.initEpoch().setEpoch(2); });
  EXPECT_EQ(job.picture.state_of(1), schema::StepState::DONE);
  EXPECT_EQ(job.picture.state_of(2), schema::StepState::ABANDONED);
  EXPECT_EQ(job.picture.done_count(), 1u);
  EXPECT_EQ(job.picture.step_count(), 1u);
}

TEST(Events, AreJsonWithStableNames) {
  events job;
  job.add_state(schema::JobState::RUNNING);
  job.add_step(1, {}, "19");
  job.add([](auto event) { fill_failure(event.initAttemptFailed(), 2); });
  simdjson::dom::parser parser;
  std::string_view text;
  std::uint64_t number = 0;
  ASSERT_EQ(parser.parse(job.json[0])["job"]["state"].get(text), simdjson::SUCCESS) << job.json[0];
  EXPECT_EQ(text, "running");
  ASSERT_EQ(parser.parse(job.json[0])["job"]["usage"]["cost_nanousd"].get(number),
            simdjson::SUCCESS);
  EXPECT_EQ(number, 123'000u);
  EXPECT_TRUE(parser.parse(job.json[0])["job"]["ended_at_ms"].is_null());
  ASSERT_EQ(parser.parse(job.json[1])["steps"].at(0)["result"].get(text), simdjson::SUCCESS);
  EXPECT_EQ(text, "19");
  ASSERT_EQ(parser.parse(job.json[2])["event"].get(text), simdjson::SUCCESS);
  EXPECT_EQ(text, "attempt_failed");
  ASSERT_EQ(parser.parse(job.json[2])["attempt"]["error"]["code"].get(text), simdjson::SUCCESS);
  EXPECT_EQ(text, "engine_failed");
}

TEST(JobJson, OfAJobHasStepsAndAttempts) {
  simdjson::dom::parser parser;
  simdjson::dom::element job;
  auto text = to_json(*make_view().read());
  ASSERT_EQ(parser.parse(text).get(job), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::string_view{job["job"]}, to_string(id));
  EXPECT_EQ(job["steps"].get_array().size(), 3u);
  EXPECT_EQ(job["attempts"].get_array().size(), 1u);
  EXPECT_TRUE(job["answer"].is_null());
  EXPECT_TRUE(job["feedback"].is_null());
}

TEST(LiveView, NeverExceedsTheTerminal) {
  events job;
  job.add_state(schema::JobState::RUNNING);
  for (std::uint32_t i = 1; i <= 50; ++i)
    job.add_step(i, {}, i % 2 == 0 ? "a long result text" : nullptr);
  job.add([](auto event) { fill_failure(event.initAttemptFailed(), 1); });
  for (std::size_t height : {10u, 24u, 80u}) {
    for (std::size_t width : {30u, 80u}) {
      auto lines = live_lines(job.picture, id, {.width = width}, height, began_ms + 5'000);
      EXPECT_LT(lines.size(), height);
      for (const auto& line : lines) EXPECT_LE(width_of(line), width) << line;
    }
  }
}

TEST(LiveView, HeadsWithWhatMatters) {
  events job;
  job.add_state(schema::JobState::RUNNING);
  auto lines = live_lines(job.picture, id, {.width = 80}, 24, began_ms + 5'000);
  EXPECT_EQ(lines[0], to_string(id) + "  running  5.00 s  waiting for the model");
  EXPECT_EQ(lines[1], "add things");
  job.add_step(1, {}, "19");
  lines = live_lines(job.picture, id, {.width = 80}, 24, began_ms + 5'000);
  EXPECT_EQ(lines[0], to_string(id) + "  running  5.00 s  1 of 1 steps, still planning");
}

}  // namespace
}  // namespace tandem::cli
