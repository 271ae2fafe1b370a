#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "config/sourced_number.hpp"

namespace tandem {

/// Requests a second of one engine under full load, for one mix of tokens.
struct capacity_point {
  sourced_number requests_per_s;
  /// Nothing: the source does not say for which requests.
  std::optional<double> input_tokens;
  std::optional<double> output_tokens;
};

/// What a token costs an engine: a request takes read_s * input + write_s * output of its time.
struct token_times {
  double read_s = 0;
  double write_s = 0;
  /// Root of the mean squared relative error at the points.
  double misfit = 0;
};

/// Least squares of the relative errors, neither time negative. Nothing with fewer than two points
/// that say their tokens, or where they cannot tell the two times apart.
[[nodiscard]] std::optional<token_times> fit_token_times(std::span<const capacity_point> points);

/// How many requests a second an engine serves, mu(h) = 1 / (a * in * (1 - h) + b * out), from what
/// was measured: at a measured mix of tokens (within 5%) that rate itself, elsewhere the fit.
class engine_capacity {
 public:
  /// Precondition: there is a point.
  explicit engine_capacity(std::vector<capacity_point> points);

  /// `hit`: share of the input that is in the prefix cache, 0 to 1.
  [[nodiscard]] double requests_per_s(double input, double output, double hit) const;
  /// By what factor the rate may be off, as a number around 1: a measurement's own range, the
  /// misfit of the fit, or one of 2 where a rate is taken over to other tokens.
  [[nodiscard]] sourced_number factor(double input, double output) const;
  [[nodiscard]] const std::optional<token_times>& times() const { return times_; }
  [[nodiscard]] std::span<const capacity_point> points() const { return points_; }

 private:
  [[nodiscard]] const capacity_point* measured_at(double input, double output) const;
  [[nodiscard]] token_times times_or_guess() const;

  std::vector<capacity_point> points_;
  std::optional<token_times> times_;
};

}  // namespace tandem
