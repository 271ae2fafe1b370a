#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "nodes/simulate/simulation.hpp"
#include "nodes/simulate/tuning_knobs.hpp"

namespace tandem::simulation {

/// What is made less of, or more.
enum class tuning_goal : std::uint8_t {
  /// US dollars for 1,000 right answers.
  cost,
  /// Mean time to the end of an item.
  latency,
  /// Items in time a second, from the first arrival to the last end.
  throughput,
};

/// Work to serve, and from when on it counts.
struct tuning_work {
  /// The same seed gives the same work.
  std::function<caf::expected<std::unique_ptr<work_source>>(std::uint64_t seed)> open;
  double warm_up_s = 0;
};

struct tuning_options {
  /// The config as it is now, simulated; its seed is the first one.
  run_options base;
  /// For choosing, and for measuring what was chosen: none of what counts there may count here.
  tuning_work choose;
  tuning_work measure;
  tuning_goal goal = tuning_goal::cost;
  /// So much, of all items, may the shares of right answers and of those in time be lower at the
  /// lower end of the interval; with another goal than cost, so much may cost rise.
  double tolerance = 0.01;
  /// Less is not worth a change.
  double gain_min = 0.01;
  /// Pairs of runs that a change is judged by, 2 to 30.
  std::uint32_t seeds = 5;
  /// Of all simulations.
  std::uint32_t runs_max = 400;
  /// False: no further change is looked for. Measuring what was chosen goes on.
  std::function<bool()> may_go_on = [] { return true; };
  /// Told what is tried.
  std::function<void(const std::string&)> on_try = [](const std::string&) {};
};

/// Of paired runs: mean and 95% interval by Student's t.
struct paired_gain {
  double mean = 0;
  double low = 0;
  double high = 0;
  std::uint32_t pairs = 0;
};
[[nodiscard]] paired_gain gain_of(const std::vector<double>& differences);

struct tuning_proposal {
  std::string key;
  std::string now;
  std::string proposed;
  bool can_try = false;
  /// As a share of what it was, measured with all other proposals in place.
  paired_gain gain;
};

/// Means over the seeds of the runs that measure.
struct tuning_figures {
  double usd_per_1k_right = 0;
  double mean_s = 0;
  double in_time_per_s = 0;
  double right = 0;
  double in_time = 0;
};

struct tuning_result {
  /// In the order in which they were found.
  std::vector<tuning_proposal> proposals;
  /// Chosen, but not confirmed by what was not used for choosing.
  std::vector<tuning_proposal> unconfirmed;
  /// Of all proposals together.
  paired_gain gain;
  tuning_figures now;
  tuning_figures then;
  std::uint32_t runs = 0;
  std::uint32_t values_tried = 0;
  /// Why it ended before all was tried; empty: it did not.
  std::string stopped;
};

/// Coordinate descent, one knob at a time, twice over all: of a knob's values the one whose gain
/// has the highest lower bound, if that is above 0; each value and the present one serve the same
/// work with the same seed. What was chosen is measured on `measure` one by one, each beside all
/// others, and dropped where its interval is not above 0 there. The same options give the same
/// result, unless `may_go_on` says no. `invalid_argument`: there is nothing to gain by this goal
/// (no price, nothing right, nothing in time).
[[nodiscard]] caf::expected<tuning_result> tune(const tuning_options& options);

/// The policy that `tandem route try` takes for what can be tried of the proposals,
/// `auto(cost_weight=0.1)`; empty: nothing can.
[[nodiscard]] std::string policy_to_try(const node_config& now,
                                        const std::vector<tuning_proposal>& proposals);

}  // namespace tandem::simulation
