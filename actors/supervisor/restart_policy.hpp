#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "actors/supervisor/supervisor_config.hpp"

namespace tandem {

/// Counts one actor's restarts and says how long to wait before the next. Time is an argument.
class restart_policy {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit restart_policy(const supervisor_config& config) : config_{config} {}

  /// The pause before the restart; nothing: it has failed too often within the period, give up.
  [[nodiscard]] std::optional<std::chrono::milliseconds> on_failure(time_point now) {
    while (!recent_.empty() && now - recent_.front() > config_.restart_period) recent_.pop_front();
    if (recent_.size() >= config_.restarts_max) return std::nullopt;
    auto pause = config_.backoff;
    for (std::size_t i = 0; i < recent_.size() && pause < config_.backoff_max; ++i) pause *= 2;
    recent_.push_back(now);
    ++total_;
    return pause < config_.backoff_max ? pause : config_.backoff_max;
  }

  [[nodiscard]] std::uint32_t total() const { return total_; }

 private:
  supervisor_config config_;
  std::deque<time_point> recent_;
  std::uint32_t total_ = 0;
};

}  // namespace tandem
