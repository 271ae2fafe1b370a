#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

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

  /// Whether a request may be sent now; every request that is admitted is ended by one of the three
  /// below.
  [[nodiscard]] bool admit(clock::time_point now) {
    if (!open_) return true;
    if (now < retry_at_ || trial_) return false;
    trial_ = true;
    return true;
  }
  /// The server answered, if only that the request was wrong or that it is busy.
  void on_success() {
    failures_ = 0;
    open_ = false;
    trial_ = false;
    pause_ = config_.pause;
  }
  void on_failure(clock::time_point now) {
    failures_ = std::min(failures_ + 1, failures_max);
    if (config_.failures == 0) return;
    if (open_) {
      // Those that were under way when it opened are no trials.
      if (!trial_) return;
      pause_ = std::min(pause_ * 2, std::max(config_.pause, config_.pause_max));
    } else if (failures_ < config_.failures) {
      return;
    }
    open_ = true;
    trial_ = false;
    retry_at_ = now + pause_;
  }
  /// It was cancelled: nothing was learned.
  void on_nothing() { trial_ = false; }

 private:
  static constexpr std::uint32_t failures_max = 1'000'000;

  breaker_config config_;
  std::chrono::milliseconds pause_;
  clock::time_point retry_at_;
  std::uint32_t failures_ = 0;
  bool open_ = false;
  bool trial_ = false;
};

}  // namespace tandem
