#pragma once

#include <cstdint>

namespace tandem {

/// `[executor]` in the config file.
struct executor_pool_config {
  /// Attempts at work at once on this node.
  std::uint32_t in_flight_max = 4096;
  /// Attempts that wait for room; more are refused with `overloaded`.
  std::uint32_t queue_max = 100'000;
};

}  // namespace tandem
