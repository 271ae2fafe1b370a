#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "actors/supervisor/supervisor_config.hpp"

namespace tandem {

/// When an actor that has ended is started again.
enum class restart_rule : std::uint8_t {
  /// Always.
  permanent,
  /// After a failure; one that has ended by itself, as it was meant to, stays away.
  transient,
  /// Never; the others go on without it.
  temporary,
};

/// How an actor came to its end.
enum class child_end : std::uint8_t {
  normal,
  failed,
  /// It failed, and will fail again: what is wrong with the configuration stays wrong.
  hopeless,
};

/// What becomes of an actor that has ended.
struct restart_decision {
  enum class what : std::uint8_t {
    /// After `pause`.
    restart,
    /// It stays away, the others go on.
    leave,
    /// All others are stopped too, in order: a clean exit of the node.
    escalate,
  };
  what then = what::leave;
  std::chrono::milliseconds pause{0};

  bool operator==(const restart_decision&) const = default;
};

/// Counts one actor's restarts and says how long to wait before the next: one for one, at most
/// `restarts_max` within `restart_period`. Time is an argument.
class restart_policy {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit restart_policy(const supervisor_config& config,
                          restart_rule rule = restart_rule::permanent)
      : config_{config}, rule_{rule} {}

  [[nodiscard]] restart_decision on_end(child_end how, time_point now) {
    using what = restart_decision::what;
    if (rule_ == restart_rule::temporary) return {what::leave};
    if (rule_ == restart_rule::transient && how == child_end::normal) return {what::leave};
    if (how == child_end::hopeless) return {what::escalate};
    auto pause = on_failure(now);
    return pause ? restart_decision{what::restart, *pause} : restart_decision{what::escalate};
  }

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
  [[nodiscard]] restart_rule rule() const { return rule_; }

 private:
  supervisor_config config_;
  restart_rule rule_;
  std::deque<time_point> recent_;
  std::uint32_t total_ = 0;
};

}  // namespace tandem
