// Two nodes learn together: what one has learned, and which policy acts, the other knows too; each
// alone goes on.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::test {
namespace {

std::string learning_config() {
  sim_config config;
  config.more =
      quick_cluster_config(3000) + "\n[routing]\npolicy = \"auto\"\nsave_interval = \"100ms\"\n";
  return config.text();
}

tmsg::rtrep ask(client& node, schema::RouteAction action, std::string policy = {}) {
  message_builder<schema::RouteCommand> command;
  command->setAction(action);
  command->setPolicy(policy);
  auto report = node.route(command.finish());
  EXPECT_TRUE(report) << message_of(report.error());
  return report ? *report : tmsg::rtrep{};
}

double weight_of_ways(client& node) {
  auto report = ask(node, schema::RouteAction::STATUS);
  double sum = 0;
  if (!report.empty())
    for (auto arm : report.read()->getArms())
      if (arm.getPurpose() == schema::Purpose::WAY) sum += arm.getWeight();
  return sum;
}

void run_jobs(client& node, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    auto job = node.submit({.goal = "question " + std::to_string(i),
                            .mode = schema::PlanMode::AUTO,
                            .check = "regex",
                            .check_argument = "(?s).*"});
    ASSERT_TRUE(job) << message_of(job.error());
    ASSERT_TRUE(node.wait(*job, std::chrono::seconds{30}));
  }
}

TEST(RoutingCluster, WhatOneNodeLearnsTheOtherKnowsAndARestartCountsNothingTwice) {
  cluster_process nodes{TANDEM_BIN_DIR, 2};
  for (std::size_t i : {0u, 1u}) nodes.start(i, learning_config(), free_address());
  for (std::size_t i : {0u, 1u}) ASSERT_TRUE(nodes[i].wait_ready()) << nodes.log();
  auto first = nodes.connect(0);
  auto second = nodes.connect(1);
  ASSERT_TRUE(wait_until(std::chrono::seconds{20}, [&] { return sees_all(first, {"n0", "n1"}); }));
  run_jobs(first, 0, 20);
  run_jobs(second, 100, 10);
  auto knows = [](client& node, double weight) {
    return wait_until(std::chrono::seconds{20}, [&] {
      auto now = weight_of_ways(node);
      return now > weight - 0.5 && now < weight + 0.5;
    });
  };
  EXPECT_TRUE(knows(first, 30)) << weight_of_ways(first);
  EXPECT_TRUE(knows(second, 30)) << weight_of_ways(second);
  // Both say everything again, and both had kept what the other said.
  nodes[1].kill9();
  nodes.start(1, {}, nodes.address(1));
  ASSERT_TRUE(nodes[1].wait_ready()) << nodes.log();
  auto again = nodes.connect(1);
  ASSERT_TRUE(wait_until(std::chrono::seconds{20}, [&] { return sees_all(again, {"n0", "n1"}); }));
  run_jobs(first, 200, 10);
  EXPECT_TRUE(knows(again, 40)) << weight_of_ways(again);
  EXPECT_TRUE(knows(first, 40)) << weight_of_ways(first);
}

TEST(RoutingCluster, ANodeThatLostWhatItLearnedHearsItFromTheOthers) {
  cluster_process nodes{TANDEM_BIN_DIR, 2};
  for (std::size_t i : {0u, 1u}) nodes.start(i, learning_config(), free_address());
  for (std::size_t i : {0u, 1u}) ASSERT_TRUE(nodes[i].wait_ready()) << nodes.log();
  auto second = nodes.connect(1);
  {
    auto first = nodes.connect(0);
    ASSERT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
      return sees_all(first, {"n0", "n1"});
    }));
    run_jobs(first, 0, 10);
  }
  auto knows = [](client& node, double weight) {
    return wait_until(std::chrono::seconds{20}, [&] {
      auto now = weight_of_ways(node);
      return now > weight - 0.5 && now < weight + 0.5;
    });
  };
  ASSERT_TRUE(knows(second, 10)) << weight_of_ways(second);
  nodes[0].kill9();
  std::filesystem::remove_all(nodes[0].data_dir() / "routing");
  nodes.start(0, {}, nodes.address(0));
  ASSERT_TRUE(nodes[0].wait_ready()) << nodes.log();
  auto again = nodes.connect(0);
  EXPECT_TRUE(knows(again, 10)) << weight_of_ways(again);
  run_jobs(again, 100, 5);
  EXPECT_TRUE(knows(again, 15)) << weight_of_ways(again);
  EXPECT_TRUE(knows(second, 15)) << weight_of_ways(second);
}

TEST(RoutingCluster, APolicyThatIsTriedOnOneNodeIsTriedOnAll) {
  cluster_process nodes{TANDEM_BIN_DIR, 2};
  for (std::size_t i : {0u, 1u}) nodes.start(i, learning_config(), free_address());
  for (std::size_t i : {0u, 1u}) ASSERT_TRUE(nodes[i].wait_ready()) << nodes.log();
  auto first = nodes.connect(0);
  auto second = nodes.connect(1);
  ASSERT_TRUE(wait_until(std::chrono::seconds{20}, [&] { return sees_all(first, {"n0", "n1"}); }));
  ask(first, schema::RouteAction::TRY, "cheapest");
  auto candidate = [](client& node) {
    return std::string{ask(node, schema::RouteAction::STATUS).read()->getSetting().getCandidate()};
  };
  EXPECT_TRUE(
      wait_until(std::chrono::seconds{20}, [&] { return candidate(second) == "cheapest"; }));
  // It is kept: the node alone tries it again.
  ASSERT_TRUE(nodes[1].stop());
  ask(first, schema::RouteAction::PROMOTE);
  nodes.start(1, {}, nodes.address(1));
  ASSERT_TRUE(nodes[1].wait_ready()) << nodes.log();
  auto again = nodes.connect(1);
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
    auto report = ask(again, schema::RouteAction::STATUS);
    return report.read()->getSetting().getPolicy() == "cheapest";
  })) << "what changed while it was away";
}

}  // namespace
}  // namespace tandem::test
