#include "tests/bench/routing_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tandem::bench {
namespace {

/// Linear between the two nearest, as numpy.quantile.
double quantile(const std::vector<double>& sorted, double share) {
  auto at = share * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<std::size_t>(at);
  auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

using point = std::pair<double, double>;

double calls_for(const std::vector<point>& curve, double target) {
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (curve[i].second < target) continue;
    if (i == 0) return curve[0].first;
    auto [x, y] = curve[i - 1];
    return x + (target - y) / (curve[i].second - y) * (curve[i].first - x);
  }
  return 101;
}

}  // namespace

curve_metrics curve_of(std::span<const preferred> prompts) {
  constexpr int steps = 10;
  std::vector<double> scores;
  double small = 0;
  double large = 0;
  for (const auto& p : prompts) {
    scores.push_back(p.score);
    small += p.small;
    large += p.large;
  }
  std::sort(scores.begin(), scores.end());
  auto n = static_cast<double>(prompts.size());
  std::vector<point> curve;
  for (int i = 0; i <= steps; ++i) {
    auto threshold = quantile(scores, i / static_cast<double>(steps));
    double calls = 0;
    double right = 0;
    for (const auto& p : prompts) {
      bool to_large = i == steps ? p.score > threshold : p.score >= threshold;
      calls += to_large ? 1 : 0;
      right += to_large ? p.large : p.small;
    }
    curve.emplace_back(100 * calls / n, right / n);
  }
  std::sort(curve.begin(), curve.end());
  auto weak = small / n;
  auto gap = (large - small) / n;
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].first - curve[i - 1].first) / 100 *
            ((curve[i].second + curve[i - 1].second) / 2 - weak);
  curve_metrics result;
  result.apgr = area / (gap * (curve.back().first - curve.front().first) / 100);
  result.cpt50 = calls_for(curve, weak + 0.5 * gap);
  result.cpt80 = calls_for(curve, weak + 0.8 * gap);
  return result;
}

interval interval_of(std::span<const double> values) {
  interval result;
  auto n = static_cast<double>(values.size());
  for (double value : values) result.mean += value / n;
  double squares = 0;
  for (double value : values) squares += (value - result.mean) * (value - result.mean);
  auto error = n > 1 ? 1.96 * std::sqrt(squares / (n - 1) / n) : 0;
  result.low = result.mean - error;
  result.high = result.mean + error;
  return result;
}

}  // namespace tandem::bench
