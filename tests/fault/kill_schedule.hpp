#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "tests/fault/journal_check.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::fault {

/// What happens when: the same seed gives the same schedule (threads and clocks remain the
/// machine's own).
struct kill_schedule {
  std::uint64_t seed = 0;
  unsigned kills = 0;
  std::chrono::milliseconds run_min{100};
  std::chrono::milliseconds run_max{400};

  /// TANDEM_FAULT_SEED, else a random one; TANDEM_FAULT_KILLS, else `kills_default`. Prints both.
  [[nodiscard]] static kill_schedule from_environment(unsigned kills_default);
};

/// A config with a plan of 4 steps, a few milliseconds a call and one call in twenty failing.
[[nodiscard]] std::string fault_config(std::string_view durability);

/// Runs a workload against `node` while it is killed and started again as `schedule` says, then
/// lets every acknowledged job end, stops the node and checks its journal. Failures are
/// GoogleTest's.
[[nodiscard]] journal_account kill_under_load(test::node_process& node, const std::string& config,
                                              const kill_schedule& schedule);

}  // namespace tandem::fault
