#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tandem {

/// `[routing]` keys of the choice of an engine.
struct engine_choice_config {
  /// One of engine_policies().
  std::string policy = "estimated_ttft";
  /// `cache_aware`, by sglang's names: the share of a prompt that must be cached to be followed,
  /// and from when on load goes first: more in flight than the least busy by `abs`, and by `rel`
  /// times.
  double cache_threshold = 0.5;
  std::uint32_t balance_abs_threshold = 32;
  double balance_rel_threshold = 1.1;
  /// `cache_or_performance`.
  double complexity_threshold = 0.5;
  /// A session stays while its engine's estimated time is at most so many times the chosen one's.
  double session_factor = 1.5;
  std::size_t prefix_index_bytes_max = std::size_t{64} << 20;
  /// More are not chosen from.
  std::uint32_t engines_max = 1024;
};

}  // namespace tandem
