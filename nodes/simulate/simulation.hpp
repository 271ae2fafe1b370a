#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "config/node_config.hpp"
#include "nodes/simulate/work.hpp"
#include "schema/job.capnp.h"

namespace tandem::simulation {

struct run_options {
  /// Engines of kind `sim`; see to_simulated().
  node_config config;
  std::uint64_t seed = 1;
  /// What comes before is served and not counted.
  double warm_up_s = 0;
  /// A call is in time when its first token is there within this.
  double first_token_slo_s = 1;
  /// A job is in time when it has ended within this.
  double job_slo_s = 30;
  /// Of a write to the journal.
  std::chrono::microseconds sync{300};
};

/// Seconds of something, as they were; sorted when it is done.
class durations {
 public:
  void add(double seconds) { values_.push_back(static_cast<float>(seconds)); }
  void sort();
  [[nodiscard]] std::size_t count() const { return values_.size(); }
  [[nodiscard]] std::span<const float> all() const { return values_; }
  [[nodiscard]] double mean() const;
  /// 0 to 1; 0 of nothing. After sort().
  [[nodiscard]] double quantile(double share) const;
  /// Share of values up to `seconds`; 1 of nothing. After sort().
  [[nodiscard]] double within(double seconds) const;

 private:
  std::vector<float> values_;
};

/// What one model's engines did.
struct model_use {
  std::string tier;
  std::uint32_t engines = 0;
  std::uint64_t calls = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  double cost_usd = 0;
  /// Share of the time in which an engine had work, mean over its engines.
  double busy = 0;
  /// Calls at work at once, mean over the time in which there was one.
  double batch = 0;
};

struct run_result {
  std::uint64_t calls = 0;
  std::uint64_t jobs = 0;
  /// Of both: ended well, ended badly, and ended well with the right answer.
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t right = 0;
  /// Why items failed, and how many.
  std::map<std::string, std::uint64_t> failures;
  /// Calls of clients alone.
  durations first_token_s;
  durations call_s;
  durations job_s;
  /// At engines, of all calls to models.
  durations queue_s;
  std::uint64_t model_calls = 0;
  std::uint64_t in_time = 0;
  /// By level, 1 and 2; level 0: asked, and not there.
  std::uint64_t cache_hits[3] = {};
  double cost_usd = 0;
  /// The same tokens at the large tier's prices.
  double all_large_usd = 0;
  double cache_saved_usd = 0;
  std::map<std::string, model_use> models;
  /// From the first counted arrival to the last; and to the last end.
  double load_s = 0;
  double span_s = 0;
  /// Turns of actors and of the clock, for measuring the simulator itself.
  std::uint64_t steps = 0;
};

/// A config whose engines are simulated: `sim` ones as they are, others by their `[engine.sim]`
/// profile, as `tandem calibrate` writes it. `replicas`: how many engines of a model there are,
/// each like its first; empty: as configured. `invalid_argument` names an engine without a profile,
/// or a model that has no engine.
[[nodiscard]] caf::expected<node_config> to_simulated(
    node_config config, const std::map<std::string, std::uint32_t>& replicas);

/// Serves all of `work` by a virtual_node, to its end. The same options and work give the same
/// result.
[[nodiscard]] caf::expected<run_result> run(const run_options& options, work_source& work);

}  // namespace tandem::simulation
