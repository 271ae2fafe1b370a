#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "actors/router/learning/feature_vector.hpp"
#include "actors/router/learning/made_decision.hpp"
#include "schema/routing.capnp.h"

namespace tandem {

struct learner_config {
  std::uint32_t dense = 64;
  bool sparse = false;
  /// What was learned with another one is refused.
  std::uint32_t features = feature_version;
  /// What a reward is worth after so many more of the same arm: one half.
  double half_life_rewards = 2000;
  /// The same by time, also for what other nodes have learned.
  std::uint64_t half_life_ms = std::uint64_t{14} * 24 * 3600 * 1000;
  /// What is left of an arm's statistics when its weights change.
  double new_weights_keep = 0.2;
  std::uint32_t arms_max = 1024;
  std::uint32_t origins_max = 64;
};

/// What is expected of one arm for one decision.
struct prediction {
  /// Shrunk towards the context-free mean as far as the contextual one has not proved itself; in
  /// [0, 1].
  double quality = 0.5;
  double deviation = 0.5;
  /// Of the arm without its context.
  double mean = 0.5;
  /// Rewards that this rests on, decayed.
  double weight = 0;
};

/// How the learned choice does against each arm alone, among decisions of one purpose; by a
/// doubly-robust estimate over the decisions that were rewarded, at the prices of now.
struct standing {
  /// The best arm to take always; arms_max: none is known.
  arm_id best_fixed = ~arm_id{0};
  /// Learned minus best fixed, a decision, with bounds.
  double gain = 0;
  double low = 0;
  double high = 0;
  double weight = 0;
  /// `high` < 0: the learned choice is not to be used until it is better.
  bool demoted = false;
};

/// Predicts the quality of arms from features. For each arm: ridge regression with forgetting (A,
/// b), a context-free mean, and sums that tell which of both predicts better; optionally a sparse
/// head. Sums of other origins are kept beside the own ones, added when read, never stored back, so
/// nothing is counted twice. No clock, no randomness. Not thread-safe. Memory for each arm: with 64
/// (128) dense features 35 (135) KB, and 9 (34) KB for each other origin that speaks of it; with
/// the sparse head 35 KB, 17 KB for each origin, and 1 to 5 KB for each of the last 1,024 rewards.
class quality_learner {
 public:
  /// `origin`: under which the own statistics are published.
  quality_learner(const learner_config& config, std::uint64_t origin);
  quality_learner(const quality_learner&) = delete;
  quality_learner& operator=(const quality_learner&) = delete;
  ~quality_learner();

  /// The arm's number, which is new when it was not known; arms_max beyond so many: nothing is
  /// known of that one, and nothing is learned. `weight_version` other than the one known: what was
  /// learned is discounted.
  [[nodiscard]] arm_id arm(schema::Purpose purpose, std::string_view model,
                           std::string_view weight_version, std::uint64_t now_ms);
  [[nodiscard]] std::size_t arms() const;

  [[nodiscard]] prediction predict(arm_id arm, const feature_vector& features,
                                   std::uint64_t now_ms) const;
  /// The chosen arm of this decision turned out to have this quality, in [0, 1].
  void learn(const made_decision& decision, double quality, std::uint64_t now_ms);
  /// It was learned as `before`; a better source says `quality`.
  void correct(const made_decision& decision, double before, double quality, std::uint64_t now_ms);

  [[nodiscard]] standing standing_of(schema::Purpose purpose, double cost_price,
                                     double latency_price, std::uint64_t now_ms) const;

  /// Own statistics that have changed since the last call, each as one record with a new sequence;
  /// at most `max`.
  [[nodiscard]] std::vector<arm_id> take_changed(std::size_t max);
  void write(arm_id arm, schema::ArmStatistics::Builder out, std::uint64_t now_ms) const;
  /// Own (at a start) or another origin's. Older than what is there: ignored. `corrupted` says what
  /// is wrong: not finite, sizes that do not fit, sums that no rewards can have;
  /// `invalid_argument`: another feature version or dimension; `overloaded`: beyond arms_max, or
  /// beyond origins_max and older than all of them (the oldest gives way otherwise).
  [[nodiscard]] caf::error take(schema::ArmStatistics::Reader statistics, std::uint64_t now_ms);

  void report(arm_id arm, schema::ArmReport::Builder out, std::uint64_t now_ms) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tandem
