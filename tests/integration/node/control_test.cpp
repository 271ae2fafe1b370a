// Cancel, pause, resume, retry, deadlines and priorities.

#include <memory>

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

using Control = SimNode;
using action = schema::JobAction;

constexpr std::chrono::seconds at_once{5};

std::string slow_goal() {
  return goal_with_steps({{1, R"(@sim {"ms":60000})", {}}});
}

bool wait_planned(client& of, job_id job) {
  return wait_event(of, job, [](schema::JobEvent::Reader e) { return e.isPlanComplete(); });
}

TEST_F(Control, ACancelledJobEndsAtOnceWithItsReason) {
  auto job = submit(at(), slow_goal());
  ASSERT_TRUE(wait_planned(at(), job));
  auto cancelled = at().command(job, action::CANCEL, "changed my mind");
  ASSERT_TRUE(cancelled.engaged()) << why(cancelled);
  EXPECT_EQ(outcome_of(*cancelled->read()).state, "cancelled");
  auto end = wait_end(at(), job, at_once);
  EXPECT_EQ(end.state, "cancelled");
  EXPECT_EQ(end.reason, "changed my mind");
  EXPECT_EQ(code(at().result(job)), errc::conflict);
  EXPECT_EQ(code(at().command(job, action::CANCEL)), errc::conflict);
  EXPECT_EQ(code(at().command(job, action::PAUSE)), errc::conflict);
  EXPECT_EQ(code(at().command(job, action::RESUME)), errc::conflict);
}

TEST_F(Control, CommandsThatRaceWithTheEndAreAnsweredAsWhatHappened) {
  for (int i = 0; i < 50; ++i) {
    auto job = submit(at(), "quick " + std::to_string(i));
    auto answer = at().command(job, action::CANCEL);
    EXPECT_THAT(code(answer), ::testing::AnyOf(errc::unknown, errc::conflict)) << why(answer);
    EXPECT_EQ(wait_end(at(), job).state, answer ? "cancelled" : "done");
  }
}

TEST_F(Control, OfAJobThatIsNotThereIsNotFound) {
  auto known = submit(at(), "known");
  for (auto job :
       {job_id{known.journal, 999'999}, job_id{journal_id{7}, 1}, job_id{known.journal, 0}}) {
    EXPECT_EQ(code(at().command(job, action::CANCEL)), errc::not_found);
    EXPECT_EQ(code(at().command(job, action::RETRY)), errc::not_found);
    EXPECT_EQ(code(at().summary(job)), errc::not_found);
    EXPECT_EQ(code(at().view(job)), errc::not_found);
    EXPECT_EQ(code(at().result(job)), errc::not_found);
    EXPECT_EQ(code(at().wait(job, at_once)), errc::not_found);
    EXPECT_EQ(code(at().feedback(job, 1)), errc::not_found);
    EXPECT_EQ(code(at().purge(job)), errc::not_found);
    EXPECT_EQ(code_of(at().follow(job, 0, [](auto) { return true; })), errc::not_found);
  }
}

TEST(Pause, HoldsNewStepsBackAlsoOverARestart) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  job_id job;
  {
    auto client = connect(node);
    job = submit(client, goal_with_steps({{1, R"(@sim {"ms":300,"reply":"one"})", {}},
                                          {2, R"(after {{1}} @sim {"reply":"two"})", {1}}}));
    ASSERT_TRUE(wait_planned(client, job));
    auto paused = client.command(job, action::PAUSE);
    ASSERT_TRUE(paused.engaged()) << why(paused);
    EXPECT_EQ(outcome_of(*paused->read()).state, "paused");
    // What was under way comes to its end, and nothing after it.
    ASSERT_TRUE(wait_event(client, job,
                           [](auto event) { return is_step(event, 1, schema::StepState::DONE); }));
    EXPECT_EQ(look(client, job).state, "paused");
  }
  EXPECT_EQ(node.stop(), 0) << node.log();
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  // A job that was submitted later runs through: the paused one had its chance.
  EXPECT_EQ(wait_end(client, submit(client, "another")).state, "done");
  auto view = client.view(job);
  ASSERT_TRUE(view.engaged()) << why(view);
  EXPECT_EQ(outcome_of(view->read()->getSummary()).state, "paused");
  ASSERT_EQ(view->read()->getSteps().size(), 2u);
  EXPECT_EQ(view->read()->getSteps()[1].getState(), schema::StepState::WAITING);
  auto resumed = client.command(job, action::RESUME);
  ASSERT_TRUE(resumed.engaged()) << why(resumed);
  auto end = wait_end(client, job);
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.answer, "two");
}

TEST_F(Control, APausedJobShowsAllItsEventsToALateFollower) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"ms":60000})", {}}}));
  ASSERT_TRUE(wait_planned(at(), job));
  ASSERT_TRUE(at().command(job, action::PAUSE).engaged());
  // The pages of a follower that has seen the first event only.
  auto page = at().next_events(job, 1, false, at_once);
  ASSERT_TRUE(page.engaged()) << why(page);
  EXPECT_GT(page->read()->getLast(), 1u);
  EXPECT_EQ(outcome_of(*at().command(job, action::CANCEL)->read()).state, "cancelled");
}

TEST_F(Control, ARetriedJobKeepsWhatIsDone) {
  // Two failures of the small model, one of the large and two plans: five calls fail in all.
  auto job = submit(
      at(),
      goal_with_steps(
          {{1, R"(@sim {"reply":"kept"})", {}},
           {2, R"({{1}} @sim {"error":"invalid_argument","fail_first":4,"reply":"now"})", {1}}}));
  auto end = wait_end(at(), job);
  ASSERT_EQ(end.state, "failed") << end.answer;
  EXPECT_THAT(end.reason, ::testing::HasSubstr("simulated error"));
  for (int tries = 0; tries < 5 && end.state == "failed"; ++tries) {
    auto again = at().command(job, action::RETRY);
    ASSERT_TRUE(again.engaged()) << why(again);
    end = wait_end(at(), job);
  }
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.answer, "now");
  EXPECT_EQ(code(at().command(job, action::RETRY)), errc::conflict);
}

TEST_F(Control, ACancelledJobCanBeRetried) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"ms":400,"reply":"late"})", {}}}));
  ASSERT_TRUE(wait_planned(at(), job));
  ASSERT_TRUE(at().command(job, action::CANCEL).engaged());
  EXPECT_EQ(wait_end(at(), job).state, "cancelled");
  auto again = at().command(job, action::RETRY);
  ASSERT_TRUE(again.engaged()) << why(again);
  EXPECT_EQ(outcome_of(*again->read()).state, "running");
  auto end = wait_end(at(), job);
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.answer, "late");
}

TEST_F(Control, ADeadlineEndsAJob) {
  auto job = at().submit({.goal = slow_goal(), .timeout = std::chrono::milliseconds{300}});
  ASSERT_TRUE(job.engaged()) << why(job);
  auto end = wait_end(at(), *job, at_once);
  EXPECT_EQ(end.state, "failed");
  EXPECT_THAT(end.reason, ::testing::HasSubstr("deadline"));
}

TEST(Deadline, HoldsAfterARestartAndWhilePaused) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  caf::expected<job_id> job{caf::error{}};
  caf::expected<job_id> paused{caf::error{}};
  {
    auto client = connect(node);
    job = client.submit({.goal = slow_goal(), .timeout = std::chrono::milliseconds{3000}});
    paused = client.submit({.goal = slow_goal(), .timeout = std::chrono::milliseconds{3000}});
    ASSERT_TRUE(job.engaged() && paused.engaged());
    ASSERT_TRUE(client.command(*paused, action::PAUSE).engaged());
  }
  EXPECT_EQ(node.stop(), 0) << node.log();
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  for (auto each : {*job, *paused}) {
    auto end = wait_end(client, each, std::chrono::seconds{20});
    EXPECT_EQ(end.state, "failed");
    EXPECT_THAT(end.reason, ::testing::HasSubstr("deadline"));
  }
}

TEST(Deadline, OfARetriedJobIsItsNewOne) {
  node_process node{TANDEM_BIN_DIR};
  sim_config config;
  config.more = "[jobs]\ntimeout = \"500ms\"\n";
  node.start(config.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  auto job = submit(client, slow_goal());
  EXPECT_EQ(wait_end(client, job, std::chrono::seconds{20}).state, "failed");
  ASSERT_TRUE(client.command(job, action::RETRY).engaged());
  auto end = wait_end(client, job, std::chrono::seconds{20});
  EXPECT_EQ(end.state, "failed");
  EXPECT_THAT(end.reason, ::testing::HasSubstr("deadline"));
}

TEST(Deadline, OfBeforeARetryHasNoSayAnyMore) {
  for (bool restart : {false, true}) {
    node_process node{TANDEM_BIN_DIR};
    node.start(sim_config{}.text());
    ASSERT_TRUE(node.wait_ready()) << node.log();
    auto client = std::make_unique<tandem::client>(connect(node));
    auto job =
        client->submit({.goal = goal_with_steps({{1, R"(@sim {"ms":3000,"reply":"done"})", {}}}),
                        .timeout = std::chrono::milliseconds{2000}});
    ASSERT_TRUE(job.engaged()) << why(job);
    ASSERT_TRUE(wait_planned(*client, *job));
    ASSERT_TRUE(client->command(*job, action::CANCEL).engaged());
    ASSERT_TRUE(client->command(*job, action::RETRY).engaged());
    if (restart) {
      client.reset();
      EXPECT_EQ(node.stop(), 0) << node.log();
      node.start();
      ASSERT_TRUE(node.wait_ready()) << node.log();
      client = std::make_unique<tandem::client>(connect(node));
    }
    auto end = wait_end(*client, *job);
    EXPECT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(end.answer, "done");
  }
}

TEST(Priority, TheHigherJobsStepsGoFirst) {
  // One call at a time.
  constexpr std::string_view config = R"([node]
listen = "127.0.0.1:0"
[[model]]
name = "large"
tier = "large"
input_price = 10
output_price = 10
[[model]]
name = "small"
tier = "small"
[[engine]]
name = "large-0"
kind = "sim"
model = "large"
[[engine]]
name = "small-0"
kind = "sim"
model = "small"
concurrency = 1
)";
  node_process node{TANDEM_BIN_DIR};
  node.start(config);
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  auto goal = goal_with_steps({{1, R"(@sim {"ms":20})", {}}});
  // It holds the engine until all others wait.
  auto first = submit(client, goal_with_steps({{1, R"(@sim {"ms":1500})", {}}}));
  ASSERT_TRUE(wait_planned(client, first));
  std::vector<job_id> jobs;
  for (int priority : {-5, 0, 5, 100}) {
    auto job = client.submit({.goal = goal, .priority = static_cast<std::int8_t>(priority)});
    ASSERT_TRUE(job.engaged()) << why(job);
    ASSERT_TRUE(wait_planned(client, *job));
    jobs.push_back(*job);
  }
  EXPECT_EQ(look(client, first).state, "running") << "the test was too slow to tell";
  std::vector<std::uint64_t> ended;
  for (auto job : jobs) {
    EXPECT_EQ(wait_end(client, job).state, "done");
    ended.push_back(client.summary(job)->read()->getEndedAtMs());
  }
  EXPECT_GT(ended[0], ended[1]);
  EXPECT_GT(ended[1], ended[2]);
  EXPECT_GT(ended[2], ended[3]);
}

}  // namespace
}  // namespace tandem::test
