#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Sums over the rewards of one arm: all that a ridge regression and a mean need. They add up, so
/// those of many routers give what one router would have that saw everything.
struct arm_sums {
  double weight = 0;
  double quality = 0;
  double square = 0;
  /// Lower triangle of the sum of x x', row by row, and the sum of x q.
  std::vector<float> gram;
  std::vector<float> moments;
  /// How far the contextual prediction proves itself on rewards that it has not seen: with r what
  /// the mean did not explain and c what the context added, the sums of r c and of c c.
  double linear_gain = 0;
  double linear_power = 0;
  /// The same for the sparse head over the dense part.
  double sparse_gain = 0;
  double sparse_power = 0;
  /// Ever, not decayed.
  std::uint64_t rewards = 0;
  std::uint64_t as_of_ms = 0;

  arm_sums() = default;
  explicit arm_sums(std::size_t dense);

  [[nodiscard]] static std::size_t gram_size(std::size_t dense) { return dense * (dense + 1) / 2; }
  /// All that was summed counts `share` from now on.
  void scale(double share);
  /// Decays and adds in one pass.
  void add(std::span<const float> x, double q, double keep);
  /// Adds share * other, but for `rewards`, which are added whole.
  void merge(const arm_sums& other, double share);
};

/// What is left after so long; at least a sixteenth, since clocks jump. A clock that went back
/// decays nothing.
[[nodiscard]] double decay_of(std::uint64_t from_ms, std::uint64_t to_ms,
                              std::uint64_t half_life_ms);

}  // namespace tandem
