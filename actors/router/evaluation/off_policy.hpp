#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/evaluation/decision_log.hpp"
#include "actors/router/evaluation/quality_model.hpp"
#include "actors/router/evaluation/target_policy.hpp"

namespace tandem {

struct evaluation_config {
  /// Largest weight of a decision; 0: the square root of their number, at least 10 (Ionides 2008).
  double clip = 0;
  /// Of the cross-fitted model.
  std::uint32_t folds = 5;
};

/// With its standard error and 95% interval.
struct estimate {
  double value = 0;
  double error = 0;
  double low = 0;
  double high = 0;
};

/// What a policy would have been worth, a decision: quality less the price of cost, as both were
/// logged. Costs of all arms are known, so only quality is estimated.
struct policy_estimate {
  std::string policy;
  /// Inverse propensity weighting; self-normalised; the quality_model alone; doubly robust (Dudik,
  /// Langford and Li 2011).
  estimate ips;
  estimate snips;
  estimate direct;
  estimate doubly_robust;
  /// Doubly robust, without the price of cost.
  estimate quality;
  /// More than the policy in the log, decision by decision: doubly robust, so with a narrower
  /// interval than either alone.
  estimate gain;
  /// Over the large tier's, and in 1e-9 US dollars, as expected when the decisions were made.
  double cost = 0;
  double cost_nanousd = 0;
  /// As many decisions of the policy itself would tell as much: (sum of weights)^2 / sum of
  /// squares.
  double effective = 0;
  double largest_weight = 0;
  std::uint64_t clipped = 0;
  /// The share of its choices that the log could not have made (propensity 0): there the model is
  /// all there is.
  double unsupported = 0;
  /// The share of decisions where the model of `always` could not be chosen.
  double unavailable = 0;
};

/// Estimates policies from one log. Rewards that did not come are missing, not zero: those that
/// came stand for the others of the same arm (weighted by the share of its decisions that was
/// rewarded), which is right when within an arm it is chance which are missing. `direct`'s interval
/// says nothing of the model's own error. Intervals are normal approximations: with fewer than some
/// 50 effective decisions they are too narrow.
class off_policy_evaluator {
 public:
  /// `decisions` must outlive this.
  off_policy_evaluator(std::span<const logged_decision> decisions, const evaluation_config& config);

  [[nodiscard]] policy_estimate evaluate(const target_policy& target) const;

  [[nodiscard]] std::size_t decisions() const { return decisions_.size(); }
  [[nodiscard]] std::size_t rewarded() const { return rewarded_; }
  [[nodiscard]] double clip() const { return clip_; }
  /// What a person should know of the log before believing a number.
  [[nodiscard]] std::vector<std::string> notes() const;

 private:
  std::span<const logged_decision> decisions_;
  quality_model model_;
  double clip_ = 0;
  std::size_t rewarded_ = 0;
};

}  // namespace tandem
