#pragma once

#include <cstdint>
#include <deque>

namespace tandem {

/// Sums that only grow.
struct node_sums {
  std::uint64_t attempts = 0;
  /// By the service's fault.
  std::uint64_t attempts_failed = 0;
  double cost_usd = 0;
};

/// How much sums have grown within a time: samples of the last hour, at most one in ten seconds.
class growth_window {
 public:
  static constexpr std::uint64_t window_ms_max = 3'600'000;

  void add(const node_sums& sums, std::uint64_t now_ms);
  /// Since the oldest sample that is not older than `window_ms`.
  [[nodiscard]] node_sums within(std::uint64_t window_ms) const;

 private:
  struct sample {
    std::uint64_t at_ms;
    node_sums sums;
  };
  static constexpr std::uint64_t step_ms = 10'000;

  std::deque<sample> samples_;
  sample newest_{};
};

}  // namespace tandem
