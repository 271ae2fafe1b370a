// Three nodes on the embedded models: the second pass over the same jobs costs nothing, and says
// so.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "schema/text.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;

const std::string caches = R"(
[cache]
[cache.large]
[cache.small]
)";

/// The default of a fresh clone, with caches, as a node of a cluster.
std::string embedded_config() {
  std::ifstream in{std::string{TANDEM_SOURCE_DIR} + "/config/embedded.toml"};
  std::ostringstream text;
  text << in.rdbuf();
  auto config = text.str();
  auto replace = [&config](const std::string& what, const std::string& by) {
    for (auto at = config.find(what); at != std::string::npos;
         at = config.find(what, at + by.size()))
      config.replace(at, what.size(), by);
  };
  replace("path = \"models/", std::string{"path = \""} + TANDEM_SOURCE_DIR + "/config/models/");
  replace("policy = \"auto\"", "policy = \"cheapest\"");
  replace("listen = \"127.0.0.1:7420\"", "listen = \"127.0.0.1:0\"");
  replace("data = \"\"\n", "");
  if (config.find("[cache.small]") == std::string::npos) config += caches;
  return config + quick_cluster_config(3000);
}

const std::vector<std::string> goals{"What is 12+max(7,5)?", "What is 3+4+5?",
                                     "What is max(9,2)-4?", "What is 8-3+min(6,1)?"};

struct pass {
  std::int64_t cost = 0;
  std::int64_t saved = 0;
  std::uint64_t calls = 0;
  std::uint64_t hits = 0;
  std::vector<std::string> answers;
};

pass run(client& at) {
  pass sum;
  std::vector<job_id> jobs;
  for (const auto& goal : goals) {
    auto job = at.submit({.goal = goal, .check = "number"});
    EXPECT_TRUE(job) << message_of(job.error());
    if (!job) return sum;
    auto end = at.wait(*job, 60s);
    EXPECT_TRUE(end) << message_of(end.error());
    if (!end) return sum;
    auto usage = end->read()->getUsage();
    sum.cost += usage.getCostNanousd();
    sum.saved += usage.getSavedNanousd();
    sum.calls += usage.getCalls();
    sum.hits += usage.getCacheHits();
    sum.answers.emplace_back(view(end->read()->getAnswer()));
  }
  return sum;
}

TEST(CacheCluster, TheSecondPassOverTheSameJobsCostsNothingOnAnyNode) {
  cluster_process nodes{TANDEM_BIN_DIR, 3};
  auto config = embedded_config();
  for (std::size_t i = 0; i < 3; ++i) nodes.start(i, config, free_address());
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(nodes[i].wait_ready()) << nodes.log();
  auto first = nodes.connect(0);
  ASSERT_TRUE(wait_until(20s, [&] { return sees_all(first, {"n0", "n1", "n2"}); }));
  auto paid = run(first);
  EXPECT_GT(paid.cost, 0);
  for (std::size_t i : {0u, 1u, 2u}) {
    auto at = nodes.connect(i);
    auto again = run(at);
    EXPECT_EQ(again.cost, 0) << "node " << i;
    EXPECT_EQ(again.calls, 0u) << "node " << i;
    EXPECT_GE(again.hits, goals.size());
    EXPECT_GT(again.saved, 0);
    EXPECT_EQ(again.answers, paid.answers);
  }
  // Whichever is asked says it of all.
  message_builder<schema::CacheCommand> stats;
  stats->setAction(schema::CacheAction::STATS);
  auto report = nodes.connect(2).cache(stats.finish());
  ASSERT_TRUE(report) << message_of(report.error());
  std::map<std::string, std::uint64_t> asked;
  for (auto row : report->read()->getServed())
    asked[std::string{view(row.getNode())}] += row.getAsked();
  for (const char* node : {"n0", "n1", "n2"}) EXPECT_GE(asked[node], goals.size()) << node;
  EXPECT_EQ(report->read()->getMissing().size(), 0u);
}

TEST(CacheCluster, WhatWasKeptIsThereAfterAStopAndGoneOnceItIsPurged) {
  node_process node{TANDEM_BIN_DIR};
  auto config = embedded_config();
  node.start(config);
  ASSERT_TRUE(node.wait_ready()) << node.log();
  pass paid;
  {
    auto at = connect(node);
    paid = run(at);
  }
  ASSERT_TRUE(node.stop());
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto at = connect(node);
  auto again = run(at);
  EXPECT_EQ(again.cost, 0);
  EXPECT_EQ(again.answers, paid.answers);
  message_builder<schema::CacheCommand> purge;
  purge->setAction(schema::CacheAction::PURGE);
  auto report = at.cache(purge.finish());
  ASSERT_TRUE(report) << message_of(report.error());
  EXPECT_EQ(report->read()->getPurged().size(), 1u);
  auto after = run(at);
  EXPECT_EQ(after.cost, paid.cost);
  EXPECT_EQ(after.answers, paid.answers);
}

}  // namespace
}  // namespace tandem::test
