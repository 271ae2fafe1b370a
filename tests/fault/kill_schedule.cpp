#include "tests/fault/kill_schedule.hpp"

#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "tests/fault/workload.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

std::uint64_t number_in(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

kill_schedule kill_schedule::from_environment(unsigned kills_default) {
  std::random_device device;
  kill_schedule schedule{
      .seed = number_in("TANDEM_FAULT_SEED", device()),
      .kills = static_cast<unsigned>(number_in("TANDEM_FAULT_KILLS", kills_default))};
  std::cout << "TANDEM_FAULT_SEED=" << schedule.seed << " TANDEM_FAULT_KILLS=" << schedule.kills
            << std::endl;
  return schedule;
}

std::string fault_config(std::string_view durability) {
  test::sim_config config;
  config.first_token = "3ms";
  config.per_token = "20us";
  config.error_rate = "0.05";
  config.more = "[journal]\ndurability = \"" + std::string{durability} + "\"\n";
  return config.text();
}

journal_account kill_under_load(test::node_process& node, const std::string& config,
                                const kill_schedule& schedule) {
  std::mt19937_64 random{schedule.seed};
  auto between = [&](std::chrono::milliseconds low, std::chrono::milliseconds high) {
    return low + (high - low) * (random() % 1001) / 1000;
  };
  workload work{{.seed = schedule.seed}};
  auto start = [&] {
    node.start(config);
    if (!node.wait_ready()) {
      ADD_FAILURE() << "the node does not start:\n" << node.log();
      return false;
    }
    work.node_is_up(test::connect(node));
    return true;
  };
  for (unsigned kill = 0; kill < schedule.kills; ++kill) {
    // One in five dies in the middle of its recovery.
    if (kill > 0 && random() % 5 == 0) {
      node.start(config);
      static_cast<void>(node.process().wait(
          between(std::chrono::milliseconds{20}, std::chrono::milliseconds{250})));
      node.kill9();
      continue;
    }
    if (!start()) return {};
    auto ended = node.process().wait(between(schedule.run_min, schedule.run_max));
    if (ended) {
      ADD_FAILURE() << "the node stopped by itself with " << *ended << ":\n" << node.log();
      return {};
    }
    node.kill9();
    work.node_is_gone();
  }
  if (!start()) return {};
  work.finish();
  EXPECT_EQ(node.stop(), 0) << node.log();
  for (const auto& complaint : work.complaints()) ADD_FAILURE() << complaint;
  auto account = check_journal(node.data_dir() / "journal", work.acknowledged());
  std::cout << "acknowledged=" << work.acknowledged().size() << " jobs=" << account.jobs
            << " records=" << account.records << " done=" << account.done
            << " failed=" << account.failed << std::endl;
  return account;
}

}  // namespace tandem::fault
