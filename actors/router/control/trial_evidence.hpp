#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem {

struct trial_config {
  /// Of decisions that the candidate makes, in [0, 1); 0: it is watched in shadow.
  double share = 0;
  /// Probability that the bounds are ever wrong, both sides together.
  double alpha = 0.05;
  /// Rewarded decisions before a candidate is promoted, and before it is rolled back.
  std::uint64_t promote_min = 200;
  std::uint64_t rollback_min = 20;
  /// Largest factor on a surprise: a fiftieth explored among four arms is within. What is beyond is
  /// cut, and the bounds widen by as much as that can hide.
  double weight_max = 200;
};

/// One arm of a decision: what was expected of it, and how the two policies weighed it.
struct trial_arm {
  /// Predicted before the reward came, in [0, 1].
  double quality = 0;
  /// Over the large tier's.
  double cost = 0;
  /// Probabilities; over all arms each sums to 1.
  double incumbent = 0;
  double candidate = 0;
};

/// Running sums of a trial; plain numbers, to be kept as they are.
struct trial_sums {
  std::uint64_t decisions = 0;
  /// Decisions whose surprise was cut at weight_max.
  std::uint64_t clipped = 0;
  double mean = 0;
  /// Sum of squared deviations from the mean.
  double squares = 0;
  /// Sum of the variance factors that the propensities alone tell, and of squared surprises.
  double factors = 0;
  double surprises = 0;
  /// Of the probability that the candidate moves to arms that are tried too seldom to verify it.
  double unverified = 0;
};

enum class trial_verdict : unsigned char { wait, promote, rollback };

struct trial_bounds {
  double difference = 0;
  double low = 0;
  double high = 0;
};

/// A candidate policy against the incumbent: quality less the price of cost, candidate minus
/// incumbent, a decision; from decisions that either has made. Each gives a doubly-robust estimate
/// of the difference (Dudik, Langford and Li 2011) with the propensity with which the arm was
/// chosen by both together. The bounds hold at any time, however often one looks: a normal mixture
/// confidence sequence (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, eq. 14) with an
/// estimated variance (asymptotic: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024). The
/// variance is never taken smaller than what the propensities tell, so that a run of equal
/// decisions proves nothing. Nothing decays: a trial has one question.
///
/// Decisions without a reward are not fed; whether a reward comes must not depend on the policy.
class trial_evidence {
 public:
  explicit trial_evidence(const trial_config& config) : config_{config} {}
  /// `corrupted`: a number is not finite, negative, or contradicts another.
  [[nodiscard]] static caf::expected<trial_evidence> restore(const trial_config& config,
                                                             const trial_sums& sums);

  /// `quality` came for `arms[chosen]`. `invalid_argument`, and nothing is counted: numbers that
  /// are not finite or out of range, probabilities that do not sum to 1, an arm that neither could
  /// choose.
  [[nodiscard]] caf::error add(std::span<const trial_arm> arms, std::size_t chosen, double quality,
                               double cost_price);

  /// Without decisions: 0 and infinite bounds; not for a wire.
  [[nodiscard]] trial_bounds bounds() const;
  [[nodiscard]] trial_verdict verdict() const;
  [[nodiscard]] const trial_sums& sums() const { return sums_; }
  [[nodiscard]] const trial_config& config() const { return config_; }

 private:
  trial_config config_;
  trial_sums sums_;
};

}  // namespace tandem
