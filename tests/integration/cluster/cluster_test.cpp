// Three nodes that are one system.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

/// On a busy machine; a wait that holds ends at once.
constexpr auto limit = 30s;
constexpr unsigned gone_after_ms = 2000;

class Cluster : public ::testing::Test {
 protected:
  void start(std::size_t node, const std::string& config = {}) {
    auto text = config.empty() ? sim_config{}.text() : config;
    cluster_.start(node, text + quick_cluster_config(gone_after_ms), free_address());
  }
  /// All of them, each with this config, and waits until all know each other.
  void start_all(const std::string& config = {}) {
    for (std::size_t i = 0; i < cluster_.size(); ++i) start(i, config);
    join_all();
  }
  void join_all() {
    for (std::size_t i = 0; i < cluster_.size(); ++i) {
      ASSERT_TRUE(cluster_[i].wait_ready()) << cluster_.log();
      auto at = cluster_.connect(i);
      ASSERT_TRUE(wait_until(limit, [&] { return sees_all(at, names()); }))
          << cluster_.name(i) << '\n'
          << cluster_.log();
    }
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < cluster_.size(); ++i) all.push_back(cluster_process::name(i));
    return all;
  }
  /// Waits until `node` is in `state` in what `at` says.
  [[nodiscard]] static bool wait_state(client& at, std::size_t node, std::string_view state) {
    return wait_until(limit, [&] {
      auto topology = at.topology();
      return topology && look_at(*topology, cluster_process::name(node)).state == state;
    });
  }

  cluster_process cluster_{TANDEM_BIN_DIR, 3};
};

/// The jobs of a whole list, and the journals that it lacks.
struct whole_list {
  std::vector<std::string> jobs;
  std::vector<std::string> waiting;
};

whole_list list_all(client& at) {
  whole_list found;
  auto query = message_builder<schema::JobQuery>{}.finish();
  for (auto more = true; more;) {
    auto page = at.list(query);
    if (!page) throw std::runtime_error("list: " + message_of(page.error()));
    auto reader = page->read();
    for (auto job : reader->getJobs())
      found.jobs.push_back(
          to_string(job_id{journal_id{job.getJob().getJournal()}, job.getJob().getNumber()}));
    found.waiting.clear();
    for (auto journal : reader->getMissing())
      if (journal.getWaiting())
        found.waiting.push_back(to_string(journal_id{journal.getJournal()}));
    more = reader->getCursors().size() != 0;
    message_builder<schema::JobQuery> next;
    next->setCursors(reader->getCursors());
    query = next.finish();
  }
  return found;
}

TEST_F(Cluster, AJobIsSubmittedAtOneNodeWaitedForAtAnotherAndListedAtAll) {
  start_all();
  std::vector<job_id> jobs;
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    auto at = cluster_.connect(i);
    jobs.push_back(submit(at, goal_with_steps({{1, R"(@sim {"reply":"one"})", {}}})));
  }
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    auto elsewhere = cluster_.connect((i + 1) % cluster_.size());
    auto end = wait_end(elsewhere, jobs[i]);
    EXPECT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(result_of(elsewhere, jobs[i]), "one");
    auto listed = list_all(elsewhere);
    for (auto job : jobs) EXPECT_THAT(listed.jobs, Contains(to_string(job)));
    EXPECT_TRUE(listed.waiting.empty());
  }
}

TEST_F(Cluster, AClientKeyIsOneJobWhereverItIsSubmitted) {
  start_all();
  std::vector<client> clients;
  for (std::size_t i = 0; i < cluster_.size(); ++i) clients.push_back(cluster_.connect(i));
  for (int key = 0; key < 10; ++key) {
    std::vector<job_id> given;
    for (auto& at : clients) {
      auto job = at.submit({.goal = "goal", .client_key = "key " + std::to_string(key)});
      ASSERT_TRUE(job.engaged()) << message_of(job.error());
      given.push_back(*job);
    }
    EXPECT_EQ(given[0], given[1]);
    EXPECT_EQ(given[0], given[2]);
  }
}

TEST_F(Cluster, APlannerWithoutEnginesUsesThoseOfOthers) {
  std::string planner = "[node]\nroles = [\"planner\"]\n";
  auto models = sim_config{}.text();
  models = models.substr(models.find("[[model]]"));
  start(0, planner + models.substr(0, models.find("[[engine]]")));
  start(1);
  start(2);
  join_all();
  auto at = cluster_.connect(0);
  auto job = submit(at, goal_with_steps({{1, R"(@sim {"reply":"one"})", {}}}));
  auto end = wait_end(at, job);
  EXPECT_EQ(end.state, "done") << end.reason << '\n' << cluster_.log();
  auto seen = at.view(job);
  ASSERT_TRUE(seen.engaged()) << message_of(seen.error());
  auto reader = seen->read();
  ASSERT_GT(reader->getAttempts().size(), 0u);
  for (auto attempt : reader->getAttempts())
    EXPECT_THAT(std::string{view(attempt.getEngine())}, HasSubstr("@n"));
}

TEST_F(Cluster, ADrainedNodeFinishesItsJobsAndLeaves) {
  start_all();
  auto at = cluster_.connect(0);
  job_id job;
  {
    auto leaving = cluster_.connect(1);
    job = submit(leaving, goal_with_steps({{1, R"(@sim {"ms":500,"reply":"one"})", {}}}));
    auto begun = at.drain("n1");
    ASSERT_FALSE(begun) << message_of(begun);
    auto end = wait_end(at, job);
    EXPECT_EQ(end.state, "done") << end.reason;
  }
  EXPECT_EQ(cluster_[1].process().wait(limit), 0) << cluster_.log();
  EXPECT_TRUE(wait_state(at, 1, "left")) << cluster_.log();
  auto unknown = at.drain("nobody");
  EXPECT_EQ(code_of(unknown), errc::not_found);
  EXPECT_THAT(message_of(unknown), HasSubstr("n0"));
}

TEST_F(Cluster, AKilledNodeIsGoneItsJobsWaitAndGoOnWhenItsFolderIsBackElsewhere) {
  start_all();
  job_id job;
  {
    auto lost = cluster_.connect(2);
    job = submit(lost, goal_with_steps({{1, R"(@sim {"ms":2000,"reply":"one"})", {}}}));
  }
  auto journal = cluster_[2].journal();
  cluster_[2].kill9();
  auto at = cluster_.connect(0);
  auto other = cluster_.connect(1);
  EXPECT_TRUE(wait_state(at, 2, "gone")) << cluster_.log();
  EXPECT_TRUE(wait_state(other, 2, "gone")) << cluster_.log();
  auto summary = at.summary(job);
  ASSERT_FALSE(summary.engaged());
  EXPECT_EQ(code_of(summary.error()), errc::unavailable);
  EXPECT_THAT(message_of(summary.error()), HasSubstr("waiting for journal " + journal));
  EXPECT_THAT(message_of(summary.error()), HasSubstr("node n2"));
  EXPECT_THAT(list_all(at).waiting, Contains(journal));

  start(2);
  join_all();
  auto end = wait_end(at, job);
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.answer, "one");
  auto listed = list_all(other);
  EXPECT_THAT(listed.jobs, Contains(to_string(job)));
  EXPECT_TRUE(listed.waiting.empty());
}

TEST_F(Cluster, WhatALostNodeWasDoingIsDoneByOthers) {
  // The first has no engine of its own.
  auto models = sim_config{}.text();
  models = models.substr(models.find("[[model]]"));
  start(0, "[node]\nroles = [\"planner\"]\n" + models.substr(0, models.find("[[engine]]")));
  start(1);
  start(2);
  join_all();
  auto at = cluster_.connect(0);
  std::vector<job_id> jobs;
  for (int i = 0; i < 10; ++i)
    jobs.push_back(submit(at, goal_with_steps({{1, R"(@sim {"ms":1500,"reply":"one"})", {}}})));
  for (auto job : jobs)
    ASSERT_TRUE(wait_event(at, job, [](auto event) { return event.isPlanComplete(); }));
  cluster_[1].kill9();
  for (auto job : jobs) {
    auto end = wait_end(at, job, limit);
    EXPECT_EQ(end.state, "done") << end.reason;
  }
}

}  // namespace
}  // namespace tandem::test
