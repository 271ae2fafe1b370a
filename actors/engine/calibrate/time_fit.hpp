#pragma once

#include <span>
#include <vector>

#include "actors/engine/calibrate/call_meter.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// What the simulated engine of a profile makes of measured calls.
struct fit_error {
  /// Of |predicted / measured - 1| of calls' whole times, and of the times to their first token.
  double median = 0;
  double p95 = 0;
  double first_median = 0;
  std::size_t calls = 0;
};

/// Rounds as the engine of `config` would have taken them: `first_us` and `end_us` are its own.
/// Caches are not looked at: what was not read was not.
[[nodiscard]] std::vector<measured_round> predict(std::span<const measured_round> rounds,
                                                  const sim_config& config);

[[nodiscard]] fit_error compare(std::span<const measured_round> rounds, const sim_config& config);

/// The profile under which the simulated engine comes closest to what was measured: the one whose
/// times are off by the smallest share on the mean, with outliers bounded, slowed until calls take
/// as long as predicted in the mean. The times and the chunk are found, and the slots where there
/// are fewer than those of `start`; the rest is kept. Failed calls are left out. Deterministic;
/// some thousand predictions of all rounds. Over the logarithms of the times, for each chunk:
/// pattern search (Hooke, Jeeves 1961), then a random walk that keeps what is better (Rechenberg
/// 1973).
[[nodiscard]] sim_config fit_times(std::span<const measured_round> rounds, sim_config start);

/// Times as long, in the mean over calls, as the profile predicts; 1 where there are no good calls.
[[nodiscard]] double slowness(std::span<const measured_round> rounds, const sim_config& config);
/// All times that many times as long.
[[nodiscard]] sim_config slowed(sim_config config, double factor);

}  // namespace tandem
