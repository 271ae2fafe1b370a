#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/router/evaluation/decision_log.hpp"

namespace tandem {

/// What each arm of a logged decision would have been worth, told from the rewards of other
/// decisions: a ridge regression for each purpose and model on the dense features and on what was
/// predicted when the decision was made (which brings in the sparse head). Cross-fitted: the log is
/// dealt into folds, and no decision is predicted by a model that has seen its own reward
/// (Chernozhukov et al. 2018). The penalty is chosen by leave-one-out error, the plain mean among
/// the candidates, so that features that tell nothing do no harm. Features of another version or
/// size than most have are not looked at. Deterministic.
class quality_model {
 public:
  /// `decisions` must outlive nothing: all is computed here. A fit uses at most 20,000 rewards of
  /// an arm.
  quality_model(std::span<const logged_decision> decisions, std::uint32_t folds);

  /// In [0, 1].
  [[nodiscard]] double quality(std::size_t decision, std::size_t arm) const {
    return qualities_[first_[decision] + arm];
  }
  /// Without features: the mean of this arm's rewards in the other folds.
  [[nodiscard]] double mean(std::size_t decision, std::size_t arm) const {
    return means_[first_[decision] + arm];
  }
  /// The number of an arm (purpose and model), and its rewards in the whole log.
  [[nodiscard]] std::uint32_t number(std::size_t decision, std::size_t arm) const {
    return numbers_[first_[decision] + arm];
  }
  [[nodiscard]] std::size_t rewards(std::uint32_t number) const { return rewards_[number]; }
  /// How often an arm was chosen, rewarded or not.
  [[nodiscard]] std::size_t choices(std::uint32_t number) const { return choices_[number]; }
  /// Decisions whose features were not looked at.
  [[nodiscard]] std::size_t without_features() const { return without_features_; }

 private:
  void number_arms(std::span<const logged_decision> decisions);

  std::vector<std::size_t> first_;
  std::vector<std::uint32_t> numbers_;
  std::vector<double> qualities_;
  std::vector<double> means_;
  std::vector<std::size_t> rewards_;
  std::vector<std::size_t> choices_;
  std::size_t without_features_ = 0;
};

}  // namespace tandem
