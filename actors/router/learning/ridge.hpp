#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "actors/router/learning/arm_sums.hpp"

namespace tandem {

/// Ridge regression solved: the weights and the inverse that tells how sure they are. The strength
/// of regularisation is the one under which the rewards seen are the most likely (evidence: MacKay
/// 1992) beside a wide belief that keeps it from the ends while rewards are few (Chung et al.
/// 2013), so nothing about it need be configured. Sherman-Morrison for each reward, solved anew by
/// Cholesky now and then.
class ridge {
 public:
  ridge() = default;

  /// From scratch: O(n^3), some 100 us for 64 features.
  void solve(const arm_sums& sums);
  /// One more reward of these features; what was there counts `keep` from now on. O(n^2).
  void add(std::span<const float> x, double q, double keep);
  /// The quality of one reward among those summed changes by so much.
  void correct(std::span<const float> x, double change);

  [[nodiscard]] std::size_t dense() const { return theta_.size(); }
  [[nodiscard]] double predict(std::span<const float> x) const;
  /// x' A^-1 x: over the noise's variance, that of the prediction.
  [[nodiscard]] double spread(std::span<const float> x) const;
  /// Of one reward around its prediction.
  [[nodiscard]] double noise() const { return noise_; }
  [[nodiscard]] double strength() const { return strength_; }

 private:
  void choose_strength(const arm_sums& sums);

  std::vector<float> theta_;
  std::vector<float> inverse_;
  double strength_ = 10;
  double noise_ = 0.25;
  /// At which weight the strength was chosen.
  double chosen_at_ = 0;
};

}  // namespace tandem
