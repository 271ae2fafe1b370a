// What can be read of jobs and of the node: events, lists, results, the topology; feedback and
// purge.

#include <limits>
#include <thread>

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

using Reading = SimNode;
using testing::ElementsAre;

constexpr std::chrono::seconds soon{5};

struct followed {
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> kinds;
};

std::string kind_of(schema::JobEvent::Reader event) {
  switch (event.which()) {
    case schema::JobEvent::STATE:
      return outcome_of(event.getState()).state;
    case schema::JobEvent::STEPS:
      return event.getSteps()[0].getState() == schema::StepState::DONE ? "step done" : "steps";
    case schema::JobEvent::ATTEMPT_FAILED:
      return "attempt failed";
    case schema::JobEvent::EPOCH:
      return "epoch";
    case schema::JobEvent::PLAN_COMPLETE:
      return "plan";
    case schema::JobEvent::WAY:
      return "way";
  }
  return "unknown";
}

followed follow(client& of, job_id job, std::uint64_t after = 0) {
  followed all;
  auto err = of.follow(job, after, [&](schema::JobEvent::Reader event) {
    all.numbers.push_back(event.getNumber());
    all.kinds.push_back(kind_of(event));
    return true;
  });
  EXPECT_FALSE(err) << message_of(err);
  return all;
}

TEST_F(Reading, FollowTellsEverythingInOrderAndEnds) {
  // Fails on every engine once, so that there is a new plan.
  auto job = submit(
      at(), goal_with_steps(
                {{1, R"(@sim {"ms":100,"error":"engine_failed","fail_first":1,"reply":"one"})", {}},
                 {2, "after {{1}}", {1}}}));
  auto live = follow(at(), job);
  EXPECT_THAT(live.kinds, ElementsAre("running", "steps", "plan", "attempt failed",
                                      "attempt failed", "attempt failed", "epoch", "steps", "plan",
                                      "step done", "step done", "done"));
  for (std::size_t i = 0; i < live.numbers.size(); ++i) EXPECT_EQ(live.numbers[i], i + 1);
  // The same from the journal, and from any place on.
  EXPECT_EQ(follow(at(), job).kinds, live.kinds);
  EXPECT_THAT(follow(at(), job, 9).numbers, ElementsAre(10, 11, 12));
  EXPECT_THAT(follow(at(), job, 12).numbers, ElementsAre());
  EXPECT_THAT(follow(at(), job, 1'000'000).numbers, ElementsAre());
}

TEST_F(Reading, FollowTellsMoreEventsThanOnePageHolds) {
  std::vector<scripted_step> steps;
  for (std::uint32_t i = 1; i <= 150; ++i) steps.push_back({i, "step " + std::to_string(i), {}});
  auto job = submit(at(), goal_with_steps(steps));
  auto live = follow(at(), job);
  ASSERT_GE(live.numbers.size(), 153u);
  for (std::size_t i = 0; i < live.numbers.size(); ++i) EXPECT_EQ(live.numbers[i], i + 1);
  EXPECT_EQ(live.kinds.back(), "done");
  EXPECT_EQ(follow(at(), job).numbers, live.numbers);
}

TEST_F(Reading, ManyFollowersOfOneJobAllSeeItsEnd) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"ms":300})", {}}}));
  std::vector<client> followers;
  for (int i = 0; i < 3; ++i) followers.push_back(connect(*node_));
  std::vector<followed> seen(followers.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < followers.size(); ++i)
    threads.emplace_back([&, i] { seen[i] = follow(followers[i], job); });
  for (auto& thread : threads) thread.join();
  for (const auto& each : seen) EXPECT_EQ(each.kinds.back(), "done");
}

std::vector<std::uint64_t> numbers_of(const tmsg::joblist& list) {
  std::vector<std::uint64_t> numbers;
  auto reader = list.read();
  for (auto job : reader->getJobs()) numbers.push_back(job.getJob().getNumber());
  return numbers;
}

template <class Fill>
tmsg::joblist list(client& of, Fill fill) {
  message_builder<schema::JobQuery> query;
  fill(*query);
  auto found = of.list(query.finish());
  EXPECT_TRUE(found.engaged()) << why(found);
  return std::move(*found);
}

TEST_F(Reading, ListsFilterByStateTenantTagAndText) {
  auto red = at().submit({.goal = "paint it", .tenant = "list", .tags = {"red", "both"}});
  auto blue = at().submit({.goal = "print it", .tenant = "list", .tags = {"blue", "both"}});
  auto slow =
      at().submit({.goal = goal_with_steps({{1, R"(@sim {"ms":60000})", {}}}), .tenant = "list"});
  ASSERT_TRUE(red.engaged() && blue.engaged() && slow.engaged());
  wait_end(at(), *red);
  wait_end(at(), *blue);
  auto of_tenant = [](schema::JobQuery::Builder q) { q.setTenant("list"); };
  EXPECT_THAT(numbers_of(list(at(), of_tenant)),
              ElementsAre(slow->number, blue->number, red->number));
  auto by_tag = [&](const char* tag) {
    return numbers_of(list(at(), [&](schema::JobQuery::Builder q) {
      of_tenant(q);
      q.setTag(tag);
    }));
  };
  EXPECT_THAT(by_tag("red"), ElementsAre(red->number));
  EXPECT_THAT(by_tag("both"), ElementsAre(blue->number, red->number));
  EXPECT_THAT(by_tag("green"), ElementsAre());
  EXPECT_THAT(numbers_of(list(at(),
                              [&](auto q) {
                                of_tenant(q);
                                q.setText("rint");
                              })),
              ElementsAre(blue->number));
  EXPECT_THAT(numbers_of(list(at(),
                              [&](auto q) {
                                of_tenant(q);
                                q.initStates(1).set(0, schema::JobState::RUNNING);
                              })),
              ElementsAre(slow->number));
  ASSERT_TRUE(at().command(*slow, schema::JobAction::CANCEL).engaged());
}

TEST_F(Reading, ListsComeInPages) {
  std::vector<std::uint64_t> expected;
  for (int i = 0; i < 7; ++i)
    expected.insert(expected.begin(), at().submit({.goal = "page", .tenant = "pages"})->number);
  std::vector<std::uint64_t> seen;
  std::uint64_t before = 0;
  int pages = 0;
  do {
    auto page = list(at(), [&](auto q) {
      q.setTenant("pages");
      q.setLimit(3);
      q.setBefore(before);
    });
    auto numbers = numbers_of(page);
    EXPECT_LE(numbers.size(), 3u);
    seen.insert(seen.end(), numbers.begin(), numbers.end());
    before = page.read()->getNext();
  } while (before != 0 && ++pages < 10);
  EXPECT_EQ(seen, expected);
}

TEST_F(Reading, ALongResultComesWhole) {
  // The largest reply that a config allows by default, of characters that a cut must not split.
  std::string text;
  while (text.size() < 60'000) text += "\xC3\xA4";
  auto job = submit(
      at(), goal_with_steps(
                {{1, "{{9}} @sim {\"reply\":" + json_string(text.substr(0, 8'000)) + "}", {}}}));
  EXPECT_EQ(wait_end(at(), job).state, "done");
  EXPECT_EQ(result_of(at(), job), text.substr(0, 8'000));
}

TEST_F(Reading, AViewCutsTextsAndSaysSo) {
  auto job = submit(at(), goal_with_steps({{1, std::string(2'000, 'p'), {}}}));
  wait_end(at(), job);
  auto view = at().view(job, 100);
  ASSERT_TRUE(view.engaged()) << why(view);
  EXPECT_TRUE(view->read()->getCut());
  EXPECT_EQ(view->read()->getSteps()[0].getPrompt().size(), 100u);
}

TEST_F(Reading, FeedbackIsKept) {
  auto job = submit(at(), "rate me");
  wait_end(at(), job);
  EXPECT_EQ(at().summary(job)->read()->getFeedback(), -1);
  ASSERT_TRUE(at().feedback(job, 1.0f, "good").engaged());
  auto mean = at().feedback(job, 0.5f, "not bad \xFF");
  ASSERT_TRUE(mean.engaged()) << why(mean);
  EXPECT_FLOAT_EQ(mean->read()->getFeedback(), 0.75f);
  EXPECT_FLOAT_EQ(at().summary(job)->read()->getFeedback(), 0.75f);
  for (auto score : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN(),
                     std::numeric_limits<float>::infinity()})
    EXPECT_EQ(code(at().feedback(job, score)), errc::invalid_argument) << score;
  EXPECT_EQ(look(at(), job).state, "done");
}

TEST_F(Reading, PurgeForgetsAJobThatHasEnded) {
  auto job = at().submit({.goal = "forget me", .client_key = "forgotten"});
  ASSERT_TRUE(job.engaged());
  wait_end(at(), *job);
  auto purged = at().purge(*job);
  ASSERT_TRUE(purged.engaged()) << why(purged);
  EXPECT_EQ(purged->read()->getJobs(), 1u);
  EXPECT_GT(purged->read()->getBytes(), 0u);
  EXPECT_EQ(code(at().summary(*job)), errc::not_found);
  // Its number is never used again, its key is free.
  auto again = at().submit({.goal = "another", .client_key = "forgotten"});
  ASSERT_TRUE(again.engaged()) << why(again);
  EXPECT_GT(again->number, job->number);
}

TEST_F(Reading, PurgeRefusesAJobThatRuns) {
  auto job = submit(at(), goal_with_steps({{1, R"(@sim {"ms":60000})", {}}}));
  EXPECT_EQ(code(at().purge(job)), errc::conflict);
  ASSERT_TRUE(at().command(job, schema::JobAction::CANCEL).engaged());
}

TEST(Purge, ByAgeLeavesWhatIsYoungOrRuns) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  auto running = submit(client, goal_with_steps({{1, R"(@sim {"ms":60000})", {}}}));
  for (int i = 0; i < 5; ++i) wait_end(client, submit(client, "old"));
  EXPECT_EQ(client.purge_older_than(std::chrono::hours{1})->read()->getJobs(), 0u);
  // Older than nothing: all that ended before the present millisecond.
  wait_end(client, submit(client, "newest"));
  EXPECT_GE(client.purge_older_than(std::chrono::milliseconds{0})->read()->getJobs(), 5u);
  EXPECT_EQ(look(client, running).state, "running");
}

TEST_F(Reading, TopologyShowsEveryActorAndEngine) {
  auto topology = at().topology();
  ASSERT_TRUE(topology.engaged()) << why(topology);
  auto reader = topology->read();
  ASSERT_EQ(reader->getNodes().size(), 1u);
  auto node = reader->getNodes()[0];
  EXPECT_EQ(view(node.getName()), node_->name());
  EXPECT_EQ(to_string(journal_id{node.getJournal()}), node_->journal());
  EXPECT_EQ(view(node.getAddress()), node_->address());
  EXPECT_GT(node.getResidentBytes(), 0u);
  std::vector<std::string> actors;
  for (auto actor : node.getActors()) {
    actors.emplace_back(view(actor.getName()));
    EXPECT_EQ(view(actor.getState()), "ok") << actors.back();
    EXPECT_EQ(actor.getRestarts(), 0u);
  }
  EXPECT_THAT(actors, ::testing::UnorderedElementsAre(
                          "supervisor", "journal", "archive", "route_keeper", "router", "large-0",
                          "small-0", "small-1", "executor_pool", "planner", "engine_admin",
                          "exchange", "front", "weight_sync", "mesh", "alarm_watch"));
  std::vector<std::string> engines;
  for (auto engine : node.getEngines()) {
    engines.emplace_back(view(engine.getName()));
    EXPECT_EQ(engine.getHealth(), schema::Health::HEALTHY);
    EXPECT_TRUE(engine.getSimulated());
  }
  EXPECT_THAT(engines, ::testing::UnorderedElementsAre("large-0", "small-0", "small-1"));
}

}  // namespace
}  // namespace tandem::test
