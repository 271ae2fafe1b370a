#include "actors/router/learning/statistics_check.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr double weight_max = 1e9;
/// Rewards and features are rounded to floats, so sums are off by some millionths.
constexpr double tolerance = 1e-3;

caf::error refuse(errc code, schema::ArmStatistics::Reader record, const char* why) {
  auto model = record.getModel();
  return make_error(code, "statistics of '" +
                              std::string{model.begin(), std::min<std::size_t>(model.size(), 128)} +
                              "' from origin " + std::to_string(record.getOrigin()) + ": " + why);
}

bool read_floats(capnp::List<float>::Reader list, std::vector<float>& out) {
  out.clear();
  out.reserve(list.size());
  for (float value : list) {
    if (!std::isfinite(value)) return false;
    out.push_back(value);
  }
  return true;
}

bool is_semidefinite(const std::vector<float>& gram, std::size_t dense) {
  auto n = static_cast<Eigen::Index>(dense);
  Eigen::MatrixXd full(n, n);
  const auto* cell = gram.data();
  double trace = 0;
  for (Eigen::Index row = 0; row < n; ++row) {
    for (Eigen::Index column = 0; column <= row; ++column, ++cell)
      full(row, column) = full(column, row) = *cell;
    if (full(row, row) < 0) return false;
    trace += full(row, row);
  }
  full.diagonal().array() += tolerance * (trace / static_cast<double>(n) + 1);
  return Eigen::LLT<Eigen::MatrixXd>{full}.info() == Eigen::Success;
}

/// Empty: nothing is wrong with the numbers that are not lists.
const char* wrong_scalar(const arm_sums& s) {
  for (double value : {s.weight, s.quality, s.square, s.linear_gain, s.linear_power, s.sparse_gain,
                       s.sparse_power})
    if (!std::isfinite(value)) return "a number that is none";
  auto slack = tolerance * (s.weight + 1);
  if (s.weight < 0 || s.weight > weight_max) return "a weight that no rewards have";
  if (s.weight > static_cast<double>(s.rewards) + slack) return "more weight than rewards";
  if (s.quality < -slack || s.quality > s.weight + slack) return "qualities outside [0, 1]";
  if (s.square < -slack || s.square > s.quality + slack) return "squares of no such qualities";
  // Both parts are within [-1, 1], and so is what they are to explain.
  for (double power : {s.linear_power, s.sparse_power})
    if (power < -slack || power > s.weight + slack) return "a power that no rewards have";
  for (double gain : {s.linear_gain, s.sparse_gain})
    if (std::abs(gain) > 2 * s.weight + slack) return "a gain that no rewards have";
  return nullptr;
}

}  // namespace

caf::expected<told_sums> read_statistics(schema::ArmStatistics::Reader record,
                                         const learner_config& config) {
  if (record.getFeatureVersion() != config.features)
    return refuse(errc::invalid_argument, record, "another version of the features");
  if (record.getDense() != config.dense)
    return refuse(errc::invalid_argument, record, "another number of dense features");
  auto gram = record.getGram();
  auto moments = record.getMoments();
  auto sparse = record.getSparse();
  if (gram.size() != arm_sums::gram_size(config.dense) || moments.size() != config.dense ||
      (sparse.size() != 0 && sparse.size() != sparse_head::weights))
    return refuse(errc::corrupted, record, "lists of another size than they say");
  told_sums told;
  told.origin = record.getOrigin();
  told.sequence = record.getSequence();
  auto version = record.getWeightVersion();
  told.weight_version.assign(version.begin(), version.end());
  auto& s = told.sums;
  s.weight = record.getWeight();
  s.quality = record.getQualitySum();
  s.square = record.getSquareSum();
  s.linear_gain = record.getLinearGain();
  s.linear_power = record.getLinearPower();
  s.sparse_gain = record.getSparseGain();
  s.sparse_power = record.getSparsePower();
  s.rewards = record.getRewards();
  s.as_of_ms = record.getAsOfMs();
  if (!read_floats(gram, s.gram) || !read_floats(moments, s.moments) ||
      !read_floats(sparse, told.sparse))
    return refuse(errc::corrupted, record, "a number that is none");
  if (const auto* why = wrong_scalar(s)) return refuse(errc::corrupted, record, why);
  // The first feature is 1 in every decision.
  if (std::abs(s.gram[0] - s.weight) > tolerance * (s.weight + 1) ||
      std::abs(s.moments[0] - s.quality) > tolerance * (s.weight + 1))
    return refuse(errc::corrupted, record, "sums that contradict each other");
  if (!is_semidefinite(s.gram, config.dense))
    return refuse(errc::corrupted, record, "a matrix that no features have");
  s.quality = std::clamp(s.quality, 0.0, s.weight);
  s.square = std::clamp(s.square, 0.0, s.quality);
  if (!config.sparse) told.sparse.clear();
  return told;
}

}  // namespace tandem
