#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/router/engines/engine_chooser.hpp"
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

struct world_options {
  std::uint32_t engines = 8;
  std::uint64_t capacity_tokens = 3'000'000;
  double prefill_tokens_per_s = 8'000;
  double write_s_per_token = 0.02;
  engine_choice_config choice;
  std::uint64_t seed = 1;
  /// Policies see the engines themselves: caches, backlogs and calls in flight as they are.
  bool perfect = false;
  /// Routers at once; each knows what it did itself, and the rest by reports.
  std::uint32_t routers = 1;
  /// So long after something has changed at an engine the routers hear of it.
  double report_s = 0.005;
  /// The owner refuses a call that would wait so much longer than its router thought, and tells its
  /// backlog; 0: it takes all. Then the router chooses again, after a hop.
  double refuse_beyond_s = 0;
  std::uint32_t tries = 8;
  double hop_s = 0.001;
  /// Requests go to a router by conversation (its first own block), else in turn.
  bool by_conversation = true;
  /// Of an engine that another node has.
  double remote_bias_s = 0.001;
  /// Index and rates are told what engines have; else learned from replies alone.
  bool capacity_known = true;
  bool measure_time = false;
};

struct world_result {
  double hit = 0;
  double mean_s = 0;
  double p50_s = 0;
  double p99_s = 0;
  double refusals = 0;
  std::vector<double> ttft_s;
  /// Wall time: to choose, and to note what was chosen.
  std::vector<double> choose_us;
  std::vector<double> assign_us;
  std::size_t index_bytes = 0;
  std::size_t index_pairs = 0;
  std::uint64_t crowded_out = 0;
  /// Tokens that the index thought were cached, over those that were.
  double predicted_over_real = 0;
};

[[nodiscard]] world_result run_world(const request_trace& trace, const world_options& options);

}  // namespace tandem::bench
