#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "config/sourced_number.hpp"

namespace tandem {

/// A generator whose numbers are the same on every machine (splitmix64).
class draw_source {
 public:
  explicit draw_source(std::uint64_t seed) : state_{seed} {}
  /// Evenly from [0, 1).
  double uniform();

 private:
  std::uint64_t state_;
};

/// The value below which a share `u` of a triangular distribution lies.
[[nodiscard]] double triangular_quantile(double low, double mode, double high, double u);

/// Whether two numbers of the inputs are one: the same object, or the same range of the same
/// source.
[[nodiscard]] bool is_same_number(const sourced_number& a, const sourced_number& b);

/// Draws each number from its range: triangular, its value the most likely. Numbers that are one
/// (the price of a GPU-hour in both pools) are drawn once a draw. The numbers must outlive it and
/// stay as they are.
class range_sampler {
 public:
  explicit range_sampler(std::uint64_t seed) : source_{seed} {}

  /// Forgets what was drawn.
  void next_draw();
  double operator()(const sourced_number& number);

 private:
  [[nodiscard]] std::size_t slot_of(const sourced_number& number);

  draw_source source_;
  std::unordered_map<const sourced_number*, std::size_t> slots_;
  /// Of each slot the first number that has it, and what was drawn.
  std::vector<const sourced_number*> numbers_;
  std::vector<std::optional<double>> drawn_;
};

/// Values of one output; p10..p90.
struct spread {
  double p10 = 0;
  double p50 = 0;
  double p90 = 0;
};
/// Precondition: there is one. Values that are not finite count as the largest. Of each quantile
/// the nearest value, without interpolation.
[[nodiscard]] spread spread_of(std::vector<double> values);
[[nodiscard]] double share_below(const std::vector<double>& values, double limit);

}  // namespace tandem
