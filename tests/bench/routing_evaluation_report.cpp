#include "tests/bench/routing_evaluation_report.hpp"

#include <cmath>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_evaluation.hpp"

namespace tandem::bench {

void report_evaluation(const std::filesystem::path& data, routing_results& results) {
  auto found = run_evaluation(data);
  const estimator_error* worst_rmse = nullptr;
  const estimator_error* worst_bias = nullptr;
  for (const auto& row : found.rows) {
    if (row.estimator != "doubly_robust") continue;
    if (worst_rmse == nullptr || row.rmse > worst_rmse->rmse) worst_rmse = &row;
    if (worst_bias == nullptr || std::abs(row.bias) > std::abs(worst_bias->bias)) worst_bias = &row;
  }
  for (const auto& note : found.notes) results.notes.push_back(note);
  if (worst_rmse == nullptr) return;
  auto regime = [&](const estimator_error& row) {
    return std::to_string(found.replications) + " logs of " + std::to_string(found.decisions) +
           " decisions, a fifth explored; the worst of all policies and data: " + row.policy +
           " on " + row.data;
  };
  results.bars.push_back({"doubly-robust estimates: RMSE",
                          regime(*worst_rmse),
                          "evaluation_rmse",
                          {worst_rmse->rmse, worst_rmse->rmse_low, worst_rmse->rmse_high},
                          goal("routing", "evaluation_rmse_max"),
                          bar_kind::at_most});
  estimate bias{worst_bias->bias, worst_bias->bias_low, worst_bias->bias_high};
  if (bias.mean < 0) bias = {-bias.mean, -bias.high, -bias.low};
  results.bars.push_back({"doubly-robust estimates: bias, either way", regime(*worst_bias),
                          "evaluation_bias", bias, goal("routing", "evaluation_bias_max"),
                          bar_kind::at_most});
}

}  // namespace tandem::bench
