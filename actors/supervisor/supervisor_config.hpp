#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// Restart rule of a node's actors, one for one: `[supervisor]` in the config file.
struct supervisor_config {
  /// More restarts of one actor than this within `restart_period` end the node, cleanly.
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds restart_period{std::chrono::seconds{30}};
  /// Wait before a restart; doubles with each within the period, to at most `backoff_max`.
  std::chrono::milliseconds backoff{50};
  std::chrono::milliseconds backoff_max{std::chrono::seconds{5}};
  /// An actor that does not report its status within this is shown as `silent`.
  std::chrono::milliseconds status_timeout{std::chrono::seconds{1}};
};

}  // namespace tandem
