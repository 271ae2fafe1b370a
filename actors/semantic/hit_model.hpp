#pragma once

#include <array>
#include <span>

#include "actors/semantic/hit_features.hpp"

namespace tandem {

struct hit_label {
  hit_features features;
  bool wrong = false;
};

/// The chance that a match is wrong: a logistic regression, shrunk towards what one would guess
/// without any label (nearer is better).
class hit_model {
 public:
  /// The guess.
  hit_model();
  /// Newton's method, bounded in steps; in time linear in `labels`.
  explicit hit_model(std::span<const hit_label> labels);

  /// The logarithm of the odds.
  [[nodiscard]] double logit(const hit_features& match) const;

 private:
  std::array<double, hit_feature_count + 1> weights_;
};

[[nodiscard]] double chance_of(double logit);

}  // namespace tandem
