#pragma once

#include <cstdint>
#include <string>

namespace tandem {

/// What some engines did in a span of time.
struct service_figures {
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  /// Sum of the times of the finished requests.
  std::uint64_t busy_us = 0;
  /// Rewards: how many, their mean quality and its standard error; negative error: not known.
  double rewards = 0;
  double quality = 0;
  double quality_error = -1;
};

enum class canary_opinion { wait, good, bad };

struct canary_verdict {
  canary_opinion opinion = canary_opinion::wait;
  /// With the numbers.
  std::string text;
};

/// Canaries against the engines that still have the old weights, over the same time. Bad:
///   errors: a one-sided two-proportion z-test, with at least 3 failures; where there are no others
///     to compare with, more than 5%;
///   latency: with 20 requests on each side, the mean is above 1.5 times the others';
///   rewards: the difference of the means is below -.02 and too far below 0 for its standard error.
/// Both at 1% at the last look, and at 0.1% at those before it, of which there are many.
/// Bad as soon as that shows. Good once `requests_min` are seen and the time is over, or the time
/// is over tenfold: then what there is has to do, and the text says how little it was.
[[nodiscard]] canary_verdict judge_canaries(const service_figures& canaries,
                                            const service_figures& others, std::uint64_t elapsed_ms,
                                            std::uint64_t judge_ms, std::uint32_t requests_min);

}  // namespace tandem
