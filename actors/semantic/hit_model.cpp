#include "actors/semantic/hit_model.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

namespace tandem {
namespace {

constexpr int size = static_cast<int>(hit_feature_count) + 1;
using vector = Eigen::Matrix<double, size, 1>;
using matrix = Eigen::Matrix<double, size, size>;

/// Constant first, then as the features come: even odds for a match of middling likeness.
constexpr std::array<double, hit_feature_count + 1> guess{5.5, -5, -5, -1, -1, -1, -2};
/// What the guess weighs: it yields to some dozens of labels.
constexpr double guess_precision = .25;
constexpr int steps_max = 12;

vector vector_of(const hit_features& match) {
  vector x;
  x[0] = 1;
  for (int i = 1; i < size; ++i) x[i] = match.values[static_cast<std::size_t>(i - 1)];
  return x;
}

}  // namespace

double chance_of(double logit) {
  return 1 / (1 + std::exp(-std::clamp(logit, -40., 40.)));
}

hit_model::hit_model() : weights_{guess} {}

hit_model::hit_model(std::span<const hit_label> labels) : weights_{guess} {
  vector start = Eigen::Map<const vector>{guess.data()};
  vector w = start;
  for (int step = 0; step < steps_max; ++step) {
    vector gradient = guess_precision * (w - start);
    matrix hessian = guess_precision * matrix::Identity();
    for (const auto& label : labels) {
      vector x = vector_of(label.features);
      double p = chance_of(w.dot(x));
      gradient += (p - (label.wrong ? 1 : 0)) * x;
      hessian += p * (1 - p) * x * x.transpose();
    }
    vector change = hessian.ldlt().solve(gradient);
    if (!change.allFinite()) break;
    // A full step may overshoot where nearly all labels are alike.
    double length = change.norm();
    w -= change * std::min(1., 4 / std::max(length, 1e-12));
    if (length < 1e-6) break;
  }
  if (w.allFinite()) Eigen::Map<vector>{weights_.data()} = w;
}

double hit_model::logit(const hit_features& match) const {
  double sum = weights_[0];
  for (std::size_t i = 0; i < hit_feature_count; ++i) sum += weights_[i + 1] * match.values[i];
  return sum;
}

}  // namespace tandem
