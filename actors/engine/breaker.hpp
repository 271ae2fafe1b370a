#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/engine/engine_config.hpp"
#include "schema/engine.capnp.h"

namespace tandem {

/// A circuit breaker: after so many failures in a row nothing is sent for a while; then one trial
/// at a time shows whether it works again. Time is an argument.
class breaker {
 public:
  using clock = std::chrono::steady_clock;

  explicit breaker(const breaker_config& config = {}) : config_{config}, pause_{config.pause} {}

  [[nodiscard]] schema::Breaker state(clock::time_point now) const {
    if (!open_) return schema::Breaker::CLOSED;
    return now < retry_at_ ? schema::Breaker::OPEN : schema::Breaker::HALF_OPEN;
  }
  /// When an open breaker admits a trial.
  [[nodiscard]] clock::time_point retry_at() const { return retry_at_; }
  [[nodiscard]] std::uint32_t failures_in_a_row() const { return failures_; }

  /// Whether a request may be sent now, and the number of the trial that it is; 0: it is none.
  /// Every request that is admitted is ended by one of the three below, with that number.
  [[nodiscard]] std::optional<std::uint64_t> admit(clock::time_point now) {
    if (!open_) return 0;
    if (now < retry_at_ || trial_ != 0) return std::nullopt;
    trial_ = ++trials_;
    return trial_;
  }
  /// The server answered, if only that the request was wrong or that it is busy: whichever request
  /// it was, it works.
  void on_success() {
    failures_ = 0;
    open_ = false;
    trial_ = 0;
    pause_ = config_.pause;
  }
  void on_failure(clock::time_point now, std::uint64_t trial) {
    failures_ = std::min(failures_ + 1, failures_max);
    if (config_.failures == 0) return;
    if (open_) {
      // Those that were under way when it opened say nothing new.
      if (trial == 0 || trial != trial_) return;
      pause_ = std::min(pause_ * 2, std::max(config_.pause, config_.pause_max));
    } else if (failures_ < config_.failures) {
      return;
    }
    open_ = true;
    trial_ = 0;
    retry_at_ = now + pause_;
  }
  /// It was cancelled: nothing was learned.
  void on_nothing(std::uint64_t trial) {
    if (trial == trial_) trial_ = 0;
  }

 private:
  static constexpr std::uint32_t failures_max = 1'000'000;

  breaker_config config_;
  std::chrono::milliseconds pause_;
  clock::time_point retry_at_;
  std::uint32_t failures_ = 0;
  bool open_ = false;
  std::uint64_t trials_ = 0;
  /// The one under way; 0: none.
  std::uint64_t trial_ = 0;
};

}  // namespace tandem
