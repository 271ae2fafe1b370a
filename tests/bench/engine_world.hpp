#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "actors/router/engines/engine_chooser.hpp"
#include "tests/bench/request_trace.hpp"
#include "tests/bench/timed_engine.hpp"

namespace tandem::bench {

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
