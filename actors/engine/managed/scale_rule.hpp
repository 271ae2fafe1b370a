#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/engine/engine_config.hpp"

namespace tandem {

/// The servers that stand for one engine, as they are at one moment.
struct scale_facts {
  /// Those that take calls, those that soon will, those that finish what they have, and those that
  /// were given up.
  std::uint32_t serving = 0;
  std::uint32_t starting = 0;
  std::uint32_t draining = 0;
  std::uint32_t failed = 0;
  /// Of those that serve: with places to spare, and nobody who waits.
  std::uint32_t idle = 0;
  /// Of those that serve: calls at once.
  std::uint64_t places = 0;
  std::uint64_t running = 0;
  std::uint64_t queued = 0;
  /// Calls that they have finished since they were started, and the time that these took.
  std::uint64_t finished = 0;
  std::chrono::microseconds busy{0};
};

enum class scale_step : std::uint8_t { stay, grow, shrink };

/// When there is to be one server more, or one fewer: by how long calls would wait (their number
/// times their mean time over the places, as Little has it), not by how busy servers are, which
/// says nothing about those who wait. No clock: time is an argument.
class scale_rule {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit scale_rule(const scale_config& config) : config_{config} {}

  /// To be asked every moment or so; what it says is taken as done.
  [[nodiscard]] scale_step look(const scale_facts& now, time_point at);
  /// As of the last look.
  [[nodiscard]] std::chrono::milliseconds delay() const { return delay_; }

 private:
  void learn(const scale_facts& now);
  [[nodiscard]] std::chrono::milliseconds estimate(const scale_facts& now, time_point at);
  [[nodiscard]] bool is_too_few(const scale_facts& now, time_point at);
  [[nodiscard]] bool is_too_many(const scale_facts& now, time_point at);

  scale_config config_;
  std::chrono::milliseconds delay_{0};
  std::uint64_t finished_ = 0;
  std::chrono::microseconds busy_{0};
  /// Of a call; 0: none has ended.
  double service_us_ = 0;
  std::optional<time_point> waited_since_;
  std::optional<time_point> too_few_since_;
  std::optional<time_point> calm_since_;
  /// Since then.
  double running_sum_ = 0;
  double looks_ = 0;
};

}  // namespace tandem
