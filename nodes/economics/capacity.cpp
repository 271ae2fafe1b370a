#include "nodes/economics/capacity.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double same_tokens = 0.05;
/// Where only one mix was measured: to write a token takes as long as to read so many.
constexpr double write_to_read = 3;

bool is_near(double a, double b) {
  return std::abs(a - b) <= same_tokens * std::max({a, b, 1.0});
}

double misfit_of(std::span<const capacity_point> points, double read, double write) {
  double squares = 0;
  double count = 0;
  for (const auto& point : points) {
    if (!point.input_tokens) continue;
    auto error =
        (read * *point.input_tokens + write * *point.output_tokens) * point.requests_per_s.value -
        1;
    squares += error * error;
    ++count;
  }
  return count > 0 ? std::sqrt(squares / count) : 0;
}

}  // namespace

std::optional<token_times> fit_token_times(std::span<const capacity_point> points) {
  double xx = 0;
  double xy = 0;
  double yy = 0;
  double x1 = 0;
  double y1 = 0;
  std::size_t count = 0;
  for (const auto& point : points) {
    if (!point.input_tokens || !point.output_tokens) continue;
    // Tokens in units of the time that was measured, so that every point weighs the same.
    auto x = *point.input_tokens * point.requests_per_s.value;
    auto y = *point.output_tokens * point.requests_per_s.value;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    x1 += x;
    y1 += y;
    ++count;
  }
  auto determinant = xx * yy - xy * xy;
  if (count < 2 || !(determinant > 1e-9 * xx * yy)) return std::nullopt;
  token_times times;
  times.read_s = (x1 * yy - y1 * xy) / determinant;
  times.write_s = (xx * y1 - xy * x1) / determinant;
  if (times.read_s < 0) times = {0, y1 / yy};
  if (times.write_s < 0) times = {x1 / xx, 0};
  times.misfit = misfit_of(points, times.read_s, times.write_s);
  return times;
}

engine_capacity::engine_capacity(std::vector<capacity_point> points)
    : points_{std::move(points)}, times_{fit_token_times(points_)} {}

const capacity_point* engine_capacity::measured_at(double input, double output) const {
  for (const auto& point : points_) {
    if (point.input_tokens && is_near(*point.input_tokens, input) &&
        is_near(*point.output_tokens, output))
      return &point;
  }
  return nullptr;
}

token_times engine_capacity::times_or_guess() const {
  if (times_) return *times_;
  const auto& point = points_.front();
  if (!point.input_tokens) return {};
  auto weight = *point.input_tokens + write_to_read * *point.output_tokens;
  if (weight <= 0) return {};
  auto read = 1 / (point.requests_per_s.value * weight);
  return {read, write_to_read * read, 0};
}

double engine_capacity::requests_per_s(double input, double output, double hit) const {
  auto times = times_or_guess();
  auto seconds = [&](double h) { return times.read_s * input * (1 - h) + times.write_s * output; };
  const auto* point = measured_at(input, output);
  if (point == nullptr && seconds(hit) > 0) return 1 / seconds(hit);
  auto rate = point != nullptr ? point->requests_per_s.value : points_.front().requests_per_s.value;
  return seconds(hit) > 0 ? rate * seconds(0) / seconds(hit) : rate;
}

sourced_number engine_capacity::factor(double input, double output) const {
  auto relative = [](const sourced_number& rate) {
    return sourced_number{1, rate.low / rate.value, rate.high / rate.value, rate.kind,
                          rate.source.empty() ? "as given" : rate.source};
  };
  if (const auto* point = measured_at(input, output)) return relative(point->requests_per_s);
  if (times_) {
    auto worst = number_kind::derived;
    for (const auto& point : points_) worst = derived_from(worst, point.requests_per_s.kind);
    auto spread = std::exp(2 * times_->misfit);
    return {1, 1 / spread, spread, worst, "fitted to what was measured for other mixes of tokens"};
  }
  auto own = relative(points_.front().requests_per_s);
  if (!points_.front().input_tokens) return own;
  return {1, own.low / 2, own.high * 2, number_kind::assumed,
          "taken over from another mix of tokens"};
}

}  // namespace tandem
