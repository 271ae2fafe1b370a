#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "tests/bench/request_trace.hpp"

namespace tandem::bench {

/// An engine in virtual time, as in the reference (engine_choice.py): prompts are computed one
/// after the other, what is cached is not; answers are written beside them and hold only their
/// count; the prefix cache is LRU over blocks.
class timed_engine {
 public:
  timed_engine(std::uint32_t capacity_blocks, double prefill_tokens_per_s)
      : capacity_{capacity_blocks}, speed_{prefill_tokens_per_s} {}

  [[nodiscard]] std::uint32_t cached(const traced_request& r) const;
  struct served {
    double first_token_s;
    double end_s;
    std::uint64_t cached_tokens;
    std::uint32_t cached_blocks;
  };
  served serve(const traced_request& r, double now_s);
  /// Other weights: nothing is cached, and nothing waits.
  void restart(double now_s);
  /// Nothing waits; what is cached stays.
  void clear_backlog(double now_s) { free_at_s_ = now_s; }
  [[nodiscard]] double wait_s(double now_s) const { return std::max(free_at_s_ - now_s, 0.0); }
  [[nodiscard]] double free_at_s() const { return free_at_s_; }
  [[nodiscard]] double speed() const { return speed_; }

  std::uint32_t in_flight = 0;

 private:
  std::uint32_t capacity_;
  double speed_;
  double free_at_s_ = 0;
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> places_;
};

}  // namespace tandem::bench
