#include "actors/router/evaluation/quality_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include <Eigen/Dense>

namespace tandem {
namespace {

constexpr std::size_t rows_max = 20'000;
/// Of the mean eigenvalue.
constexpr std::array<double, 5> penalties{0.01, 0.1, 1, 10, 100};
/// Means are drawn to the mean of all arms as by so many rewards.
constexpr double prior_rewards = 1;

using matrix = Eigen::MatrixXd;
using vector = Eigen::VectorXd;

/// Which features count: those of the version and size that most decisions have.
struct feature_shape {
  std::uint32_t version = 0;
  std::size_t size = 0;

  [[nodiscard]] bool fits(const logged_decision& d) const {
    return d.feature_version == version && d.dense.size() == size;
  }
};

feature_shape usual_shape(std::span<const logged_decision> decisions) {
  std::map<std::pair<std::uint32_t, std::size_t>, std::size_t> counts;
  for (const auto& d : decisions) ++counts[{d.feature_version, d.dense.size()}];
  feature_shape best;
  std::size_t most = 0;
  for (const auto& [shape, count] : counts) {
    if (count <= most) continue;
    most = count;
    best = {shape.first, shape.second};
  }
  return best;
}

/// The last number is what was predicted at the time.
void fill(const feature_shape& shape, const logged_decision& d, const logged_arm& arm,
          Eigen::Ref<vector> out) {
  auto size = static_cast<Eigen::Index>(shape.size);
  if (shape.fits(d))
    out.head(size) = Eigen::Map<const Eigen::VectorXf>(d.dense.data(), size).cast<double>();
  else
    out.head(size).setZero();
  out[size] = arm.deviation > 0 ? arm.quality : 0.5;
}

struct ridge {
  double mean = 0.5;
  vector centre;
  /// Empty: the mean says as much.
  vector slopes;

  [[nodiscard]] double predict(const vector& x) const {
    auto found = slopes.size() == 0 ? mean : mean + slopes.dot(x - centre);
    return std::clamp(found, 0.0, 1.0);
  }
};

ridge fit(matrix rows, const vector& rewards, double mean_of_all) {
  ridge result;
  auto n = static_cast<double>(rewards.size());
  result.mean = (rewards.sum() + prior_rewards * mean_of_all) / (n + prior_rewards);
  if (rewards.size() < 4) return result;
  auto average = rewards.mean();
  vector y = rewards.array() - average;
  result.centre = rows.colwise().mean();
  rows.rowwise() -= result.centre.transpose();
  Eigen::SelfAdjointEigenSolver<matrix> solved{rows.transpose() * rows};
  const auto& values = solved.eigenvalues();
  auto scale = values.mean();
  if (solved.info() != Eigen::Success || !(scale > 1e-9)) return result;
  matrix turned = rows * solved.eigenvectors();
  vector moments = turned.transpose() * y;
  // Leave-one-out of the mean alone is y n / (n - 1).
  auto best = (y * (n / (n - 1))).squaredNorm();
  for (auto penalty : penalties) {
    vector inverse = (values.array().max(0) + penalty * scale).inverse();
    vector fitted = turned * inverse.cwiseProduct(moments);
    vector leverage = turned.cwiseAbs2() * inverse;
    auto left = (1 - 1 / n - leverage.array()).max(1e-3);
    auto error = ((y - fitted).array() / left).matrix().squaredNorm();
    if (error >= best) continue;
    best = error;
    result.slopes = solved.eigenvectors() * inverse.cwiseProduct(moments);
    result.mean = average;
  }
  return result;
}

struct sample {
  std::size_t decision;
  std::uint32_t fold;
};

/// Rewards of one arm outside one fold.
ridge fit_without(std::span<const logged_decision> decisions, const feature_shape& shape,
                  std::span<const sample> samples, std::uint32_t fold, double mean_of_all) {
  std::vector<std::size_t> used;
  for (const auto& s : samples)
    if (s.fold != fold) used.push_back(s.decision);
  auto step = std::max<std::size_t>(1, (used.size() + rows_max - 1) / rows_max);
  auto count = static_cast<Eigen::Index>((used.size() + step - 1) / step);
  matrix rows{count, static_cast<Eigen::Index>(shape.size) + 1};
  vector rewards{count};
  vector x{rows.cols()};
  for (Eigen::Index i = 0; i < count; ++i) {
    const auto& d = decisions[used[static_cast<std::size_t>(i) * step]];
    fill(shape, d, d.arms[d.chosen], x);
    rows.row(i) = x;
    rewards[i] = d.quality.value_or(0);
  }
  return fit(std::move(rows), rewards, mean_of_all);
}

/// By what the id hashes to (splitmix64's finisher), so that a rhythm in the log is none in the
/// folds.
std::uint32_t fold_of(std::uint64_t id, std::uint32_t folds) {
  id += 0x9e3779b97f4a7c15;
  id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9;
  id = (id ^ (id >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>((id ^ (id >> 31)) % folds);
}

}  // namespace

void quality_model::number_arms(std::span<const logged_decision> decisions) {
  std::map<std::pair<schema::Purpose, std::string_view>, std::uint32_t> known;
  for (const auto& d : decisions) {
    first_.push_back(numbers_.size());
    for (const auto& a : d.arms) {
      auto next = static_cast<std::uint32_t>(known.size());
      numbers_.push_back(known.try_emplace({d.purpose, a.model}, next).first->second);
    }
  }
  rewards_.resize(known.size());
  choices_.resize(known.size());
}

quality_model::quality_model(std::span<const logged_decision> decisions, std::uint32_t folds) {
  folds = std::max(folds, 2u);
  number_arms(decisions);
  auto shape = usual_shape(decisions);
  std::vector<std::vector<sample>> samples(rewards_.size());
  std::vector<double> fold_sum(folds), fold_count(folds);
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const auto& d = decisions[i];
    if (!shape.fits(d)) ++without_features_;
    auto arm = number(i, d.chosen);
    ++choices_[arm];
    if (!d.quality) continue;
    ++rewards_[arm];
    auto fold = fold_of(d.id, folds);
    samples[arm].push_back({i, fold});
    fold_sum[fold] += *d.quality;
    ++fold_count[fold];
  }
  double sum = 0, count = 0;
  for (std::uint32_t f = 0; f < folds; ++f) {
    sum += fold_sum[f];
    count += fold_count[f];
  }
  std::vector<std::vector<ridge>> fits(rewards_.size());
  std::vector<std::vector<double>> means(rewards_.size());
  for (std::size_t arm = 0; arm < fits.size(); ++arm) {
    for (std::uint32_t f = 0; f < folds; ++f) {
      auto others = count - fold_count[f];
      auto mean_of_all = others > 0 ? (sum - fold_sum[f]) / others : 0.5;
      fits[arm].push_back(fit_without(decisions, shape, samples[arm], f, mean_of_all));
      means[arm].push_back(fits[arm].back().mean);
    }
  }
  qualities_.resize(numbers_.size());
  means_.resize(numbers_.size());
  vector x{static_cast<Eigen::Index>(shape.size) + 1};
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const auto& d = decisions[i];
    auto fold = fold_of(d.id, folds);
    for (std::size_t a = 0; a < d.arms.size(); ++a) {
      fill(shape, d, d.arms[a], x);
      qualities_[first_[i] + a] = fits[number(i, a)][fold].predict(x);
      means_[first_[i] + a] = means[number(i, a)][fold];
    }
  }
}

}  // namespace tandem
