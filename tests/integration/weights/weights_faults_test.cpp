// Updates that something happens to: coordinators and nodes that die, engines that lie, full disks.
// Simulated engines that load slowly, so that there is a middle to be killed in.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "schema/text.hpp"
#include "tests/integration/weights/weights_fleet.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/etcd_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/node_client.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using schema::WeightAction;

constexpr std::chrono::seconds limit{40};

/// `small-0`, `small-1` of model small, at version 1.
std::string fleet_config(const std::string& more_small = {}, const std::string& more = {}) {
  std::string text = R"([node]
listen = "127.0.0.1:0"
[[model]]
name = "large"
tier = "large"
[[model]]
name = "small"
tier = "small"
[[engine]]
name = "large-0"
kind = "sim"
model = "large"
[engine.sim]
plan_steps = 4
)";
  for (const char* name : {"small-0", "small-1"})
    text += std::string{"[[engine]]\nname = \""} + name +
            "\"\nkind = \"sim\"\nmodel = \"small\"\nweight_version = \"1\"\n[engine.sim]\n"
            "per_token = \"1ms\"\nload_time = \"700ms\"\n" +
            more_small;
  return text + quick_cluster_config(2000) + more;
}

class WeightsFaults : public testing::Test {
 protected:
  void make_versions(client& at) {
    for (const char* version : {"1", "2", "3"}) {
      auto folder = files_.path() / version;
      std::filesystem::create_directories(folder);
      std::ofstream{folder / "weights.bin"} << std::string(100'000, *version);
      tell(at, weight_command(WeightAction::ADD, "small", version, folder.string()));
    }
  }

  void start(std::size_t nodes, const std::function<std::string(std::size_t)>& config) {
    cluster_ = std::make_unique<cluster_process>(TANDEM_BIN_DIR, nodes);
    for (std::size_t i = 0; i < nodes; ++i) cluster_->start(i, config(i), free_address());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < nodes; ++i) {
      ASSERT_TRUE((*cluster_)[i].wait_ready()) << cluster_->log();
      names.push_back(cluster_process::name(i));
    }
    auto at = cluster_->connect(0);
    ASSERT_TRUE(wait_until(limit, [&] { return sees_all(at, names); })) << cluster_->log();
  }

  /// All living engines of the model are at `version`, as node `from` sees it.
  [[nodiscard]] bool all_at(std::size_t from, const std::string& version, std::size_t count) {
    auto at = cluster_->connect(from);
    return wait_until(limit, [&] {
      auto all = versions_of(at, "small");
      return all.size() == count && std::all_of(all.begin(), all.end(), [&](const auto& each) {
               return each.substr(each.rfind(' ') + 1) == version;
             });
    });
  }

  /// Until the update has changed at least one engine and not all.
  void wait_middle(client& at) {
    ASSERT_TRUE(wait_until(limit, [&] {
      auto now = roll_of(at, "small");
      return std::any_of(now.engines.begin(), now.engines.end(), [](const auto& each) {
        return each.find(" 2 serving") != std::string::npos;
      });
    })) << cluster_->log();
  }

  temp_folder files_;
  std::unique_ptr<cluster_process> cluster_;
};

TEST_F(WeightsFaults, ACoordinatorThatWasKilledGoesOnAfterItsRestart) {
  start(2, [](std::size_t) { return fleet_config(); });
  auto address = cluster_->address(0);
  {
    auto at = cluster_->connect(0);
    make_versions(at);
    tell(at, weight_command(WeightAction::ROLL, "small", "2"));
    wait_middle(at);
  }
  (*cluster_)[0].kill9();
  cluster_->start(0, {}, address);
  ASSERT_TRUE((*cluster_)[0].wait_ready()) << cluster_->log();
  auto again = cluster_->connect(0);
  EXPECT_EQ(wait_roll(again, "small", limit).phase, "done") << cluster_->log();
  EXPECT_TRUE(all_at(1, "2", 4)) << cluster_->log();
}

TEST_F(WeightsFaults, AnotherNodeGoesOnForACoordinatorThatStaysAwayWhichThenCatchesUp) {
  if (!etcd_process::is_installed()) GTEST_SKIP() << "etcd-server is not installed";
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto agreed = "\n[etcd]\nendpoints = [\"" + etcd.endpoints().front() + "\"]\n";
  start(3, [&](std::size_t) { return fleet_config({}, agreed); });
  auto address = cluster_->address(0);
  {
    auto at = cluster_->connect(0);
    make_versions(at);
    tell(at, weight_command(WeightAction::ROLL, "small", "2"));
    wait_middle(at);
  }
  (*cluster_)[0].kill9();
  auto at = cluster_->connect(1);
  ASSERT_TRUE(wait_until(limit, [&] {
    auto now = roll_of(at, "small");
    return now.over && now.coordinator == "n1";
  })) << cluster_->log();
  EXPECT_EQ(roll_of(at, "small").phase, "done");
  EXPECT_TRUE(all_at(1, "2", 4)) << cluster_->log();
  cluster_->start(0, {}, address);
  ASSERT_TRUE((*cluster_)[0].wait_ready()) << cluster_->log();
  EXPECT_TRUE(all_at(1, "2", 6)) << cluster_->log();
}

TEST_F(WeightsFaults, ANodeThatDiesInTheMiddleCatchesUpWhenItIsBack) {
  start(3, [](std::size_t) { return fleet_config(); });
  auto at = cluster_->connect(0);
  make_versions(at);
  auto address = cluster_->address(2);
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  wait_middle(at);
  (*cluster_)[2].kill9();
  auto end = wait_roll(at, "small", limit);
  EXPECT_EQ(end.phase, "done") << end.reason << cluster_->log();
  EXPECT_TRUE(all_at(0, "2", 4)) << cluster_->log();
  cluster_->start(2, {}, address);
  ASSERT_TRUE((*cluster_)[2].wait_ready()) << cluster_->log();
  EXPECT_TRUE(all_at(0, "2", 6)) << cluster_->log();
}

TEST_F(WeightsFaults, AnEngineThatSaysSuccessAndServesTheOldVersionTakesTheFleetBack) {
  start(2, [](std::size_t node) {
    return fleet_config(
        node == 1 ? "weights_fault = \"old_version\"\nweights_fault_version = \"2\"\n" : "");
  });
  auto at = cluster_->connect(0);
  make_versions(at);
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  auto end = wait_roll(at, "small", limit);
  EXPECT_EQ(end.phase, "rolled back") << cluster_->log();
  EXPECT_NE(end.reason.find("@n1"), std::string::npos) << end.reason;
  EXPECT_TRUE(all_at(0, "1", 4)) << cluster_->log();
  EXPECT_EQ(wait_end(at, submit(at, "What now?"), limit).state, "done");
}

TEST_F(WeightsFaults, AFleetWhoseWayBackFailsTooStaysGatedUntilItIsTakenElsewhere) {
  start(1, [](std::size_t) {
    return fleet_config("weights_fault = \"refuse_load\"\nweights_fault_count = 2\n");
  });
  auto at = cluster_->connect(0);
  make_versions(at);
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  auto end = wait_roll(at, "small", limit);
  ASSERT_EQ(end.phase, "gated") << end.reason << cluster_->log();
  EXPECT_NE(end.reason.find("going back failed too"), std::string::npos) << end.reason;
  auto topology = at.topology();
  ASSERT_TRUE(topology);
  int gated = 0;
  auto reader = topology->read();
  for (auto node : reader->getNodes())
    for (auto engine : node.getEngines())
      gated += engine.getHealth() == schema::Health::UPDATING ? 1 : 0;
  EXPECT_EQ(gated, 1) << cluster_->log();
  tell(at, weight_command(WeightAction::ROLL, "small", "3"));
  // The other engine has not used up its faults.
  end = wait_roll(at, "small", limit);
  EXPECT_NE(end.phase, "done");
  tell(at, weight_command(WeightAction::ROLL, "small", "3"));
  EXPECT_EQ(wait_roll(at, "small", limit).phase, "done") << cluster_->log();
  EXPECT_TRUE(all_at(0, "3", 2)) << cluster_->log();
}

TEST_F(WeightsFaults, ASecondUpdateAtTheSameTimeIsRefusedWhereverItIsAsked) {
  start(2, [](std::size_t) { return fleet_config(); });
  auto at = cluster_->connect(0);
  make_versions(at);
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  wait_middle(at);
  auto other = cluster_->connect(1);
  std::string why;
  for (auto* each : {&at, &other}) {
    EXPECT_EQ(refusal(*each, weight_command(WeightAction::ROLL, "small", "3"), &why),
              errc::conflict);
    EXPECT_NE(why.find("'n0'"), std::string::npos) << why;
  }
  tell(at, weight_command(WeightAction::STOP, "small"));
  auto end = wait_roll(at, "small", limit);
  EXPECT_EQ(end.phase, "rolled back") << end.reason;
  EXPECT_TRUE(all_at(0, "1", 4)) << cluster_->log();
}

TEST_F(WeightsFaults, ANodeWhoseDiskIsTooSmallKeepsTheUpdateFromTouchingAnything) {
  start(2, [](std::size_t node) {
    return fleet_config(
        {}, node == 1 ? "\n[weights]\ndisk_max = \"1MiB\"\ndisk_free_min = \"0B\"\n" : "");
  });
  auto at = cluster_->connect(0);
  auto folder = files_.path() / "big";
  std::filesystem::create_directories(folder);
  std::ofstream{folder / "weights.bin"} << std::string(3 << 20, 'x');
  tell(at, weight_command(WeightAction::ADD, "small", "2", folder.string()));
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  auto end = wait_roll(at, "small", limit);
  EXPECT_EQ(end.phase, "rolled back") << cluster_->log();
  EXPECT_NE(end.reason.find("'n1'"), std::string::npos) << end.reason;
  EXPECT_TRUE(all_at(0, "1", 4)) << cluster_->log();
  // At once again: it is tried again, and ends again.
  tell(at, weight_command(WeightAction::ROLL, "small", "2"));
  EXPECT_EQ(wait_roll(at, "small", limit).phase, "rolled back") << cluster_->log();
}

TEST_F(WeightsFaults, AnyNodeMayBeginTheNextUpdate) {
  start(2, [](std::size_t) { return fleet_config(); });
  auto first = cluster_->connect(0);
  auto second = cluster_->connect(1);
  make_versions(first);
  tell(first, weight_command(WeightAction::ROLL, "small", "2"));
  EXPECT_EQ(wait_roll(first, "small", limit).phase, "done") << cluster_->log();
  ASSERT_TRUE(wait_until(limit, [&] { return roll_of(second, "small").phase == "done"; }));
  tell(second, weight_command(WeightAction::ROLL, "small", "3"));
  auto end = wait_roll(second, "small", limit);
  EXPECT_EQ(end.phase, "done") << end.reason << cluster_->log();
  EXPECT_EQ(end.coordinator, "n1");
  EXPECT_TRUE(all_at(0, "3", 4)) << cluster_->log();
}

}  // namespace
}  // namespace tandem::test
