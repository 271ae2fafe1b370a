#pragma once

#include <array>
#include <cstddef>

#include "actors/semantic/goal_guards.hpp"

namespace tandem {

inline constexpr std::size_t hit_feature_count = 6;

/// What is known of a match that passed the guards; each from 0 (speaks against it) to 1.
struct hit_features {
  /// similarity; overlap of the words that say something; shared numbers, names and literals (4 and
  /// more are 1); numbers in the same order; the shorter's length over the longer's; how far ahead
  /// of the next best.
  std::array<float, hit_feature_count> values{};
};

/// `margin`: similarity less that of the best other candidate.
[[nodiscard]] hit_features features_of(double similarity, double margin, const goal_facts& asked,
                                       const goal_facts& kept);

}  // namespace tandem
