// What a router has learned, through kill -9 of its node: there but for the last rewards, and none
// of them counted twice.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/node_client.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::test {
namespace {

/// Jobs of one call, whose model the router chooses; every answer is verified, or not.
std::string learning_config() {
  sim_config config;
  config.more = "\n[routing]\npolicy = \"auto\"\nsave_interval = \"100ms\"\n";
  return config.text();
}

tmsg::rtrep ask(client& node, schema::RouteAction action, std::uint64_t decision = 0) {
  message_builder<schema::RouteCommand> command;
  command->setAction(action);
  command->setDecision(decision);
  auto report = node.route(command.finish());
  EXPECT_TRUE(report) << message_of(report.error());
  return report ? *report : tmsg::rtrep{};
}

/// Rewards ever learned, of all arms for the ways of jobs.
std::uint64_t learned(client& node) {
  auto report = ask(node, schema::RouteAction::STATUS);
  if (report.empty()) return 0;
  std::uint64_t sum = 0;
  for (auto arm : report.read()->getArms())
    if (arm.getPurpose() == schema::Purpose::WAY) sum += arm.getRewards();
  return sum;
}

struct routed_job {
  job_id job;
  std::vector<std::uint64_t> decisions;
};

routed_job run_job(client& node, int number) {
  auto job = node.submit({.goal = "question " + std::to_string(number),
                          .mode = schema::PlanMode::AUTO,
                          .check = "regex",
                          .check_argument = "(?s).*"});
  EXPECT_TRUE(job) << message_of(job.error());
  if (!job) return {};
  routed_job done{.job = *job};
  EXPECT_TRUE(node.wait(*job, std::chrono::seconds{30}));
  auto view = node.view(*job);
  EXPECT_TRUE(view);
  if (view)
    for (auto way : view->read()->getWays())
      if (way.getDecision() != 0) done.decisions.push_back(way.getDecision());
  return done;
}

TEST(RoutingKill, WhatWasLearnedIsThereButForTheLastRewardsAndNoneCountsTwice) {
  node_process node{TANDEM_BIN_DIR};
  node.start(learning_config());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  std::uint64_t ended = 0;
  std::uint64_t before = 0;
  std::vector<routed_job> jobs;
  for (int round = 0; round < 5; ++round) {
    {
      auto at = connect(node);
      auto start = learned(at);
      EXPECT_LE(start, before) << "nothing is counted twice";
      EXPECT_GE(start + 5, before) << "only the last rewards are lost, round " << round;
      for (int i = 0; i < 30; ++i, ++ended) jobs.push_back(run_job(at, static_cast<int>(ended)));
      before = learned(at);
      // It is answered from what is kept: all until now has been saved then.
      ask(at, schema::RouteAction::EXPORT);
      EXPECT_LE(before, ended);
      // In the middle of what it does: the last ones are not saved yet.
      for (int i = 0; i < 5; ++i, ++ended, ++before) jobs.push_back(run_job(at, 1000 + i));
    }
    node.kill9();
    node.start();
    ASSERT_TRUE(node.wait_ready()) << node.log();
  }
  auto at = connect(node);
  auto kept = learned(at);
  EXPECT_GE(kept, 5u * 30u) << "of " << ended;
  // The same rewards again, for decisions of every incarnation: users' scores correct them, and the
  // number of rewards does not change.
  std::size_t asked = 0;
  for (const auto& each : jobs) {
    if (each.decisions.empty() || ++asked % 7 != 0) continue;
    for (int twice = 0; twice < 2; ++twice) EXPECT_TRUE(at.feedback(each.job, 1));
  }
  auto report = ask(at, schema::RouteAction::STATUS);
  EXPECT_LE(learned(at), kept + ended - 5u * 30u) << "at most those that had been lost";
  EXPECT_EQ(report.read()->getSetAside().size(), 0u);
}

TEST(RoutingKill, ADecisionOfAnEarlierLifeIsExplained) {
  node_process node{TANDEM_BIN_DIR};
  node.start(learning_config());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  routed_job job;
  {
    auto at = connect(node);
    job = run_job(at, 1);
    // An orderly stop loses nothing.
  }
  ASSERT_FALSE(job.decisions.empty());
  ASSERT_TRUE(node.stop());
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto at = connect(node);
  auto report = ask(at, schema::RouteAction::EXPLAIN, job.decisions[0]);
  ASSERT_FALSE(report.empty());
  auto decision = report.read()->getDecision();
  EXPECT_EQ(decision.getId(), job.decisions[0]);
  EXPECT_EQ(decision.getArms().size(), 3u);
  EXPECT_EQ(decision.getRewards().size(), 1u);
  EXPECT_EQ(decision.getQuality(), 1);
}

}  // namespace
}  // namespace tandem::test
