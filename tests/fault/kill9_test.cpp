#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/kill_schedule.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

TEST(Kill9, EveryAcknowledgedJobEndsOnceWhateverTheMoment) {
  test::node_process node{TANDEM_BIN_DIR};
  auto account = kill_under_load(node, fault_config("sync"), kill_schedule::from_environment(100));
  EXPECT_THAT(account.broken, ::testing::IsEmpty());
  EXPECT_GT(account.done, 0u);
}

TEST(Kill9, DurabilityOfTheOperatingSystemIsEnoughForIt) {
  test::node_process node{TANDEM_BIN_DIR};
  auto schedule = kill_schedule::from_environment(10);
  schedule.kills = std::min(schedule.kills, 10u);
  auto account = kill_under_load(node, fault_config("os"), schedule);
  EXPECT_THAT(account.broken, ::testing::IsEmpty());
  EXPECT_GT(account.done, 0u);
}

/// Calls that the engines of this run of the node have had.
std::uint64_t engine_requests(client& of) {
  auto topology = of.topology();
  EXPECT_TRUE(topology.engaged());
  std::uint64_t sum = 0;
  auto reader = topology->read();
  for (auto engine : reader->getNodes()[0].getEngines()) sum += engine.getRequests();
  return sum;
}

TEST(Kill9, AFinishedStepAndAFinishedPlanDoNotRunAgain) {
  test::node_process node{TANDEM_BIN_DIR};
  node.start(test::sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  job_id job;
  {
    auto client = test::connect(node);
    job = test::submit(client, test::goal_with_steps({{1, R"(@sim {"reply":"one"})", {}},
                                                      {2, R"({{1}} @sim {"ms":1000})", {1}}}));
    ASSERT_TRUE(test::wait_event(client, job, [](schema::JobEvent::Reader event) {
      return event.isSteps() && event.getSteps()[0].getState() == schema::StepState::DONE;
    }));
    node.kill9();
  }
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = test::connect(node);
  auto end = test::wait_end(client, job);
  EXPECT_EQ(end.state, "done") << end.reason;
  EXPECT_EQ(end.steps_done, 2u);
  // The engines count from their own start: the second step alone was asked for.
  EXPECT_EQ(engine_requests(client), 1u);
}

}  // namespace
}  // namespace tandem::fault
