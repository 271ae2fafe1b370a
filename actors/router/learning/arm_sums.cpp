#include "actors/router/learning/arm_sums.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {

arm_sums::arm_sums(std::size_t dense) : gram(gram_size(dense)), moments(dense) {}

void arm_sums::scale(double share) {
  weight *= share;
  quality *= share;
  square *= share;
  linear_gain *= share;
  linear_power *= share;
  sparse_gain *= share;
  sparse_power *= share;
  auto factor = static_cast<float>(share);
  for (auto& value : gram) value *= factor;
  for (auto& value : moments) value *= factor;
}

void arm_sums::add(std::span<const float> x, double q, double keep) {
  weight = weight * keep + 1;
  quality = quality * keep + q;
  square = square * keep + q * q;
  linear_gain *= keep;
  linear_power *= keep;
  sparse_gain *= keep;
  sparse_power *= keep;
  auto factor = static_cast<float>(keep);
  auto* cell = gram.data();
  for (std::size_t row = 0; row < x.size(); ++row) {
    auto value = x[row];
    for (std::size_t column = 0; column <= row; ++column)
      cell[column] = cell[column] * factor + value * x[column];
    cell += row + 1;
    moments[row] = moments[row] * factor + value * static_cast<float>(q);
  }
  ++rewards;
}

void arm_sums::merge(const arm_sums& other, double share) {
  weight += share * other.weight;
  quality += share * other.quality;
  square += share * other.square;
  linear_gain += share * other.linear_gain;
  linear_power += share * other.linear_power;
  sparse_gain += share * other.sparse_gain;
  sparse_power += share * other.sparse_power;
  auto factor = static_cast<float>(share);
  for (std::size_t i = 0; i < gram.size(); ++i) gram[i] += factor * other.gram[i];
  for (std::size_t i = 0; i < moments.size(); ++i) moments[i] += factor * other.moments[i];
  rewards += other.rewards;
}

double decay_of(std::uint64_t from_ms, std::uint64_t to_ms, std::uint64_t half_life_ms) {
  if (to_ms <= from_ms || half_life_ms == 0) return 1;
  auto halves = static_cast<double>(to_ms - from_ms) / static_cast<double>(half_life_ms);
  return std::exp2(-std::min(halves, 4.0));
}

}  // namespace tandem
