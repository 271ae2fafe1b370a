#include "actors/router/learning/ridge.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "actors/router/learning/feature_vector.hpp"

namespace tandem {
namespace {

using matrix = Eigen::MatrixXd;
using vector = Eigen::VectorXd;
using float_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;

constexpr double constant_strength = 1;
/// Of the strength, before rewards have spoken: e^2 up or down is no surprise. A few dozen rewards
/// are nearly as likely under any strength, and the likeliest is then often the largest there is,
/// under which the arm looks at no call, is sure of it, and is not tried where it is good.
constexpr double usual_strength = 10;
constexpr double usual_spread = 2;

double unlikelihood(double strength) {
  auto off = std::log(strength / usual_strength) / usual_spread;
  return 0.5 * off * off;
}

matrix gram_of(const arm_sums& sums) {
  auto n = static_cast<Eigen::Index>(sums.moments.size());
  matrix gram(n, n);
  const auto* cell = sums.gram.data();
  for (Eigen::Index row = 0; row < n; ++row)
    for (Eigen::Index column = 0; column <= row; ++column, ++cell)
      gram(row, column) = gram(column, row) = *cell;
  return gram;
}

vector centred_moments(const arm_sums& sums, const matrix& gram) {
  vector moments = Eigen::Map<const Eigen::VectorXf>(sums.moments.data(),
                                                     static_cast<Eigen::Index>(sums.moments.size()))
                       .cast<double>();
  return moments - prior_mean * gram.col(0);
}

Eigen::Map<const Eigen::VectorXf> map(std::span<const float> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}

}  // namespace

void ridge::choose_strength(const arm_sums& sums) {
  auto gram = gram_of(sums);
  auto n = gram.rows() - 1;
  chosen_at_ = sums.weight;
  if (n < 1 || sums.weight < 8) return;
  auto moments = centred_moments(sums, gram);
  // The constant is taken out first: it is not what needs regularisation.
  auto over = gram(0, 0) + constant_strength;
  vector first = gram.col(0).tail(n);
  matrix rest = gram.bottomRightCorner(n, n) - first * first.transpose() / over;
  vector target = moments.tail(n) - first * (moments(0) / over);
  auto total = sums.square - 2 * prior_mean * sums.quality + prior_mean * prior_mean * sums.weight -
               moments(0) * moments(0) / over;
  Eigen::SelfAdjointEigenSolver<matrix> solver{rest};
  if (solver.info() != Eigen::Success) return;
  Eigen::ArrayXd values = solver.eigenvalues().array().max(0);
  Eigen::ArrayXd along = (solver.eigenvectors().transpose() * target).array().square();
  auto best = -HUGE_VAL;
  for (double strength = 1; strength < 3000; strength *= 1.5) {
    auto left = std::max(total - (along / (values + strength)).sum(), 1e-3 * sums.weight);
    auto evidence = -0.5 * sums.weight * std::log(left / sums.weight) -
                    0.5 * ((values + strength) / strength).log().sum() - unlikelihood(strength);
    if (evidence > best) {
      best = evidence;
      strength_ = strength;
    }
  }
}

void ridge::solve(const arm_sums& sums) {
  // Seldom enough that it does not count, often enough that it follows.
  if (sums.weight < 0.7 * chosen_at_ || sums.weight > 1.4 * chosen_at_) choose_strength(sums);
  auto gram = gram_of(sums);
  auto n = gram.rows();
  auto moments = centred_moments(sums, gram);
  matrix regular = gram;
  regular.diagonal().array() += strength_;
  regular(0, 0) += constant_strength - strength_;
  Eigen::LLT<matrix> factor{regular};
  matrix inverse = factor.solve(matrix::Identity(n, n));
  vector theta = inverse * moments;
  auto total = sums.square - 2 * prior_mean * sums.quality + prior_mean * prior_mean * sums.weight;
  auto left = std::max(total - theta.dot(moments), 0.0);
  noise_ = std::clamp((left + 2 * 0.25) / (sums.weight + 2), 0.01, 0.25);
  theta(0) += prior_mean;
  theta_.resize(static_cast<std::size_t>(n));
  inverse_.resize(theta_.size() * theta_.size());
  Eigen::Map<Eigen::VectorXf>{theta_.data(), n} = theta.cast<float>();
  Eigen::Map<float_matrix>{inverse_.data(), n, n} = inverse.cast<float>();
}

void ridge::add(std::span<const float> x, double q, double keep) {
  auto n = static_cast<Eigen::Index>(theta_.size());
  Eigen::Map<float_matrix> inverse{inverse_.data(), n, n};
  Eigen::Map<Eigen::VectorXf> theta{theta_.data(), n};
  auto features = map(x);
  auto old = static_cast<float>(1 / keep);
  Eigen::VectorXf along = inverse * features * old;
  auto over = 1 + features.dot(along);
  auto error = static_cast<float>(q) - features.dot(theta);
  inverse = inverse * old - along * (along / over).transpose();
  theta += along * (error / over);
}

void ridge::correct(std::span<const float> x, double change) {
  auto n = static_cast<Eigen::Index>(theta_.size());
  Eigen::Map<Eigen::VectorXf>{theta_.data(), n} +=
      Eigen::Map<const float_matrix>{inverse_.data(), n, n} * map(x) * static_cast<float>(change);
}

double ridge::predict(std::span<const float> x) const {
  return map(x).dot(map(theta_));
}

double ridge::spread(std::span<const float> x) const {
  auto n = static_cast<Eigen::Index>(theta_.size());
  auto features = map(x);
  float sum = 0;
  // Half of a symmetric matrix: column by column below the diagonal.
  const auto* column = inverse_.data();
  for (Eigen::Index i = 0; i < n; ++i, column += n) {
    auto below = map({column + i + 1, static_cast<std::size_t>(n - i - 1)});
    sum += features(i) * (column[i] * features(i) + 2 * below.dot(features.tail(n - i - 1)));
  }
  return std::max(sum, 0.0f);
}

}  // namespace tandem
