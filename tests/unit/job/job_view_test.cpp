// What clients see of a job, and that no reply outgrows a message whatever the texts.

#include "actors/job/job_view.hpp"

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

constexpr std::size_t message_max = 256 * 1024;

/// 256 steps, results of 64 KiB and many long errors.
job_driver huge_job(std::uint32_t dependencies = 0) {
  std::vector<plan_step> steps;
  for (std::uint32_t id = 1; id <= 256; ++id) {
    plan_step step{id, std::string(id % 2 == 0 ? 1'000 : 10, 'p'), {}, {}};
    for (std::uint32_t i = 1; i <= dependencies && i < id; ++i) step.depends_on.push_back(id - i);
    steps.push_back(std::move(step));
  }
  job_driver job{plan_of(steps)};
  std::map<std::uint32_t, int> tries;
  job.on_attempt = [&job, &tries](attempt_reader attempt) {
    if (attempt.getPurpose() == schema::Purpose::PLAN) return job.default_reply(attempt);
    auto step = attempt.getFence().getStep();
    if (tries[step]++ < 2)
      return failure(errc::engine_failed, std::string(100'000, 'e'), std::string(200, 'n'));
    return reply{.text = std::string(64 * 1024, 'r')};
  };
  job.run();
  job.on_attempt = nullptr;
  EXPECT_EQ(job.state().state(), schema::JobState::DONE);
  return job;
}

template <class Message>
void expect_sound(const Message& message) {
  EXPECT_LT(message.bytes().size(), message_max);
  auto again = Message::parse(message.bytes());
  EXPECT_TRUE(again) << (again ? "" : message_of(again.error()));
}

/// Reads all events in pages, as a client does.
std::vector<std::uint64_t> event_numbers(const job_state& state, std::uint32_t last) {
  std::vector<std::uint64_t> numbers;
  std::uint32_t after = 0;
  for (int pages = 0; pages < 10'000; ++pages) {
    auto page = make_events(state, after, last);
    expect_sound(page);
    auto reader = page.read();
    for (auto event : reader->getEvents()) numbers.push_back(event.getNumber());
    EXPECT_GE(reader->getLast(), after);
    if (reader->getLast() == after || reader->getLast() >= last) return numbers;
    after = static_cast<std::uint32_t>(reader->getLast());
  }
  ADD_FAILURE() << "the pages never end";
  return numbers;
}

TEST(job_view, SummarisesAJob) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}})};
  job.pump();
  auto running = make_summary(job.state());
  EXPECT_EQ(running.read()->getState(), schema::JobState::RUNNING);
  EXPECT_EQ(running.read()->getAnswer(), "");
  EXPECT_EQ(running.read()->getFeedback(), -1.0f);
  job.run();
  auto summary = make_summary(job.state());
  expect_sound(summary);
  auto reader = summary.read();
  EXPECT_EQ(reader->getJob().getJournal(), 77u);
  EXPECT_EQ(reader->getJob().getNumber(), 5u);
  EXPECT_EQ(reader->getState(), schema::JobState::DONE);
  EXPECT_EQ(reader->getGoal(), "the goal");
  EXPECT_EQ(reader->getTenant(), "tenant");
  ASSERT_EQ(reader->getTags().size(), 1u);
  EXPECT_EQ(reader->getTags()[0], "tag");
  EXPECT_EQ(reader->getPriority(), 3);
  EXPECT_EQ(reader->getMode(), schema::PlanMode::PLAN_ACT);
  EXPECT_EQ(reader->getSubmittedAtMs(), 500u);
  EXPECT_EQ(reader->getEndedAtMs(), job.now);
  EXPECT_EQ(reader->getStepsDone(), 2u);
  EXPECT_EQ(reader->getStepsTotal(), 2u);
  EXPECT_EQ(reader->getEpoch(), 1u);
  EXPECT_EQ(reader->getUsage().getCalls(), 3u);
  EXPECT_EQ(reader->getAnswer(), "r(b r(a))");
  EXPECT_EQ(reader->getAnswerBytes(), 9u);
}

TEST(job_view, ShowsStepsAndAttempts) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1, failure(errc::engine_failed, "oops", "e9"));
  job.commit_all();
  auto before = make_view(job.state(), 0);
  ASSERT_EQ(before.read()->getSteps().size(), 2u);
  EXPECT_EQ(before.read()->getSteps()[0].getState(), schema::StepState::RUNNING);
  EXPECT_EQ(before.read()->getSteps()[1].getState(), schema::StepState::WAITING);
  job.run();
  auto view_message = make_view(job.state(), 0);
  auto reader = view_message.read();
  EXPECT_EQ(reader->getAnswerStep(), 2u);
  EXPECT_TRUE(reader->getPlanComplete());
  EXPECT_FALSE(reader->getCut());
  EXPECT_EQ(reader->getSteps()[0].getState(), schema::StepState::DONE);
  EXPECT_EQ(reader->getSteps()[0].getResult(), "r(a)");
  EXPECT_EQ(reader->getSteps()[1].getDependsOn()[0], 1u);
  ASSERT_EQ(reader->getAttempts().size(), 4u);
  auto failed = reader->getAttempts()[1];
  EXPECT_EQ(failed.getError().getCode(), schema::Errc::ENGINE_FAILED);
  EXPECT_EQ(failed.getError().getMessage(), "oops");
  EXPECT_EQ(failed.getRung(), "retry");
  EXPECT_EQ(failed.getEngine(), "e9");
  EXPECT_EQ(failed.getStep(), 1u);
}

TEST(job_view, CutsTextsWhereTheClientAsksForIt) {
  job_driver job{plan_of({{1, "0123456789", {}}})};
  job.run();
  auto cut_view = make_view(job.state(), 4);
  EXPECT_TRUE(cut_view.read()->getCut());
  EXPECT_EQ(cut_view.read()->getSteps()[0].getPrompt(), "0123");
  auto whole = make_view(job.state(), 1'000);
  EXPECT_FALSE(whole.read()->getCut());
  EXPECT_EQ(whole.read()->getSteps()[0].getPrompt(), "0123456789");
}

TEST(job_view, EveryReplyStaysWithinAMessageWhateverTheTexts) {
  for (std::uint32_t dependencies : {0u, 64u}) {
    auto job = huge_job(dependencies);
    const auto& state = job.state();
    expect_sound(make_summary(state));
    for (std::size_t text_max :
         {std::size_t{0}, std::size_t{1}, std::size_t{300}, std::size_t{1} << 30}) {
      auto view_message = make_view(state, text_max);
      expect_sound(view_message);
      EXPECT_TRUE(view_message.read()->getCut());
      EXPECT_EQ(view_message.read()->getSteps().size(), 256u) << "texts give way before steps";
    }
    EXPECT_EQ(event_numbers(state, state.last_number()).size(), state.last_number());
    for (std::uint64_t offset = 0; offset < state.answer().size();) {
      auto piece = make_result(state, offset);
      expect_sound(piece);
      ASSERT_GT(piece.read()->getText().size(), 0u);
      offset += piece.read()->getText().size();
    }
  }
}

TEST(job_view, EventsGoOnBehindTheLastOneSeen) {
  job_driver job{plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}}, R"({"compose":"{{2}}"})")};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  job.answer_step(1, failure(errc::engine_failed));
  job.run();
  auto last = job.state().last_number();
  auto all = make_events(job.state(), 0, last);
  EXPECT_TRUE(all.read()->getEnded());
  EXPECT_EQ(all.read()->getLast(), last);
  std::vector<std::uint64_t> whole;
  for (auto event : all.read()->getEvents()) whole.push_back(event.getNumber());
  // One by one gives the same: each request sees the next record, whether it made an event or not.
  std::vector<std::uint64_t> single;
  for (std::uint32_t after = 0; after < last; ++after) {
    auto page = make_events(job.state(), after, after + 1);
    EXPECT_EQ(page.read()->getLast(), after + 1);
    EXPECT_EQ(page.read()->getEnded(), after + 1 == last);
    for (auto event : page.read()->getEvents()) single.push_back(event.getNumber());
  }
  EXPECT_EQ(single, whole);
  // The composed answer is told by the end.
  EXPECT_EQ(whole.size(), last - 1);
}

TEST(job_view, EventsTellWhatHappened) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.pump();
  job.answer_step(0);
  job.commit_all();
  for (int i = 0; i < 3; ++i) {
    job.answer_step(1, failure(errc::engine_failed, "bad"));
    job.commit_all();
  }
  auto events = make_events(job.state(), 0, job.state().last_number());
  std::string kinds;
  auto reader = events.read();
  for (auto event : reader->getEvents()) {
    using which = schema::JobEvent::Which;
    switch (event.which()) {
      case which::STATE:
        kinds += " state";
        break;
      case which::STEPS:
        kinds += " steps";
        EXPECT_EQ(event.getSteps()[0].getState(), schema::StepState::WAITING);
        break;
      case which::ATTEMPT_FAILED:
        kinds += " failed";
        EXPECT_EQ(event.getAttemptFailed().getError().getMessage(), "bad");
        break;
      case which::EPOCH:
        kinds += " epoch";
        EXPECT_EQ(event.getEpoch().getEpoch(), 2u);
        break;
      case which::PLAN_COMPLETE:
        kinds += " complete";
        EXPECT_EQ(event.getPlanComplete().getAnswerStep(), 1u);
        break;
      case which::WAY:
        kinds += " way";
        break;
    }
  }
  EXPECT_EQ(kinds, " state steps complete failed failed failed epoch");
  EXPECT_FALSE(reader->getEnded());
}

TEST(job_view, EventsOfNumbersThatAreNotThereAreEmpty) {
  job_driver job{plan_of({{1, "a", {}}})};
  job.run();
  auto last = job.state().last_number();
  for (std::uint32_t after : {last, last + 1, UINT32_MAX - 64, UINT32_MAX - 1, UINT32_MAX}) {
    for (std::uint32_t until : {last, UINT32_MAX}) {
      auto page = make_events(job.state(), after, until);
      EXPECT_EQ(page.read()->getEvents().size(), 0u);
      EXPECT_EQ(page.read()->getLast(), last);
      EXPECT_TRUE(page.read()->getEnded());
    }
  }
}

TEST(job_view, ResultsComeInPieces) {
  job_driver job{"", {}, schema::PlanMode::SMALL};
  job.pump();
  auto early = make_result(job.state(), 0);
  EXPECT_EQ(early.read()->getState(), schema::JobState::RUNNING);
  EXPECT_EQ(early.read()->getText().size(), 0u);
  std::string answer(50'000, 'x');
  answer += "end";
  job.answer_step(0, {.text = answer});
  job.commit_all();
  std::string got;
  for (std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{50'000}, std::uint64_t{50'003}, UINT64_MAX}) {
    auto piece = make_result(job.state(), offset);
    EXPECT_EQ(piece.read()->getTotalBytes(), answer.size());
    EXPECT_EQ(piece.read()->getText().size(),
              answer.size() - std::min<std::uint64_t>(offset, answer.size()));
  }
}

}  // namespace
}  // namespace tandem::testing
