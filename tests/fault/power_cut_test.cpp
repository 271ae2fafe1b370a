#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/kill_schedule.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

/// A node whose process loses in a kill what a machine loses in a power cut.
constexpr const char* unsynced_node = "tandem-node-unsynced";

TEST(PowerCut, EveryAcknowledgedJobEndsOnceWithSync) {
  test::node_process node{TANDEM_BIN_DIR, unsynced_node};
  auto account = kill_under_load(node, fault_config("sync"), kill_schedule::from_environment(25));
  EXPECT_THAT(account.broken, ::testing::IsEmpty());
  EXPECT_GT(account.done, 0u);
}

/// How many of 50 acknowledged jobs are gone after one cut.
unsigned lost_in_a_cut(std::string_view durability) {
  test::node_process node{TANDEM_BIN_DIR, unsynced_node};
  node.start(fault_config(durability));
  EXPECT_TRUE(node.wait_ready()) << node.log();
  std::vector<job_id> jobs;
  {
    auto client = test::connect(node);
    for (int i = 0; i < 50; ++i) jobs.push_back(test::submit(client, "goal " + std::to_string(i)));
    node.kill9();
  }
  node.start();
  EXPECT_TRUE(node.wait_ready()) << node.log();
  auto client = test::connect(node);
  unsigned lost = 0;
  for (auto job : jobs) {
    auto summary = client.summary(job);
    if (!summary && code_of(summary.error()) == errc::not_found) ++lost;
  }
  return lost;
}

// The counter-test: without a sync the very same cut does lose what was acknowledged.
TEST(PowerCut, WithoutASyncAcknowledgedJobsAreLost) {
  EXPECT_EQ(lost_in_a_cut("sync"), 0u);
  EXPECT_GT(lost_in_a_cut("os"), 0u);
  EXPECT_GT(lost_in_a_cut("none"), 0u);
}

}  // namespace
}  // namespace tandem::fault
