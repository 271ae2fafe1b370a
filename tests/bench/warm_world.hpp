#pragma once

#include <cstdint>
#include <vector>

#include "actors/router/engines/engine_choice_config.hpp"
#include "actors/warm_up/engine_warmer.hpp"
#include "tests/bench/request_trace.hpp"

namespace tandem::bench {

/// What engines do between other weights and their first call.
enum class warm_arm {
  /// Their caches are empty.
  without,
  /// The product's engine_warmer replays.
  warmed,
  /// Replays what the requests to come begin with, soonest first, each prefix on one engine.
  foresight,
  /// Their caches are as before, for nothing.
  restored,
};

enum class roll_kind {
  none,
  /// All change at the same time.
  at_once,
  /// One after the other, each admitted before the next one leaves.
  one_by_one,
};

struct warm_options {
  std::uint32_t engines = 8;
  std::uint64_t capacity_tokens = 3'000'000;
  double prefill_tokens_per_s = 8'000;
  double write_s_per_token = 0.02;
  engine_choice_config choice;
  std::uint64_t seed = 1;
  warm_arm arm = warm_arm::without;
  roll_kind roll = roll_kind::none;
  /// At this request.
  std::size_t roll_at = 0;
  /// That an engine is away for its weights.
  double load_s = 5;
  /// Of warming before it is admitted; less where there is nothing more to replay and the others
  /// serve. Afterwards it goes on whenever the engine is idle.
  double warm_s = 5;
  /// Idle is what computes no prompt; else, as the product has it, what has no call at all.
  bool warms_beside_answers = false;
  engine_warmer::settings warmer;
  /// Text for a block of the trace (512 tokens): by the product's count it has a quarter so many.
  std::size_t block_bytes = 2048;
  /// The measured ones, from `roll_at` on; foresight sees no further.
  std::size_t measured = 1'000;
};

struct warm_result {
  /// Of the measured requests, in the trace's order.
  std::vector<double> ttft_s;
  double mean_s = 0;
  double p99_s = 0;
  /// Share of prompt tokens that were cached, of the measured ones.
  double hit = 0;
  /// Tokens that engines computed for replays, and those of them that a call used in time.
  double replayed_tokens = 0;
  double used_tokens = 0;
  /// Of that before the engines were admitted.
  double replayed_before = 0;
  /// Share of time that engines compute prompts of calls, from `roll_at` to the end.
  double busy = 0;
  /// Blocks that the product remembers at the roll.
  std::size_t known_blocks = 0;

  [[nodiscard]] double wasted() const {
    return replayed_tokens > 0 ? 1 - used_tokens / replayed_tokens : 0;
  }
};

[[nodiscard]] warm_result run_warm_world(const request_trace& trace, const warm_options& options);

}  // namespace tandem::bench
