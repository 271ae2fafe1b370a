#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem::bench {

/// One way of estimating one policy, over many logs drawn from one population.
struct estimator_error {
  std::string data;
  std::string policy;
  /// `ips`, `snips`, `direct`, `doubly_robust`.
  std::string estimator;
  /// What the policy is worth, a decision.
  double truth = 0;
  /// Root of the mean squared error, and the mean error; each with its 95% interval.
  double rmse = 0;
  double rmse_low = 0;
  double rmse_high = 0;
  double bias = 0;
  double bias_low = 0;
  double bias_high = 0;
  /// The share of the 95% intervals that hold the truth.
  double coverage = 0;
  /// Of one log, on average.
  double effective = 0;
};

struct evaluation_bench {
  std::vector<estimator_error> rows;
  /// What was left out, and why.
  std::vector<std::string> notes;
  std::uint64_t replications = 0;
  std::uint64_t decisions = 0;

  /// Of the doubly-robust estimates, the worst policy and data.
  [[nodiscard]] double worst_rmse() const;
  [[nodiscard]] double worst_bias() const;
  /// A table in Markdown: policies by estimators.
  [[nodiscard]] std::string to_table() const;
};

/// Off-policy estimates of policies against what they are worth: logs of `decisions` decisions with
/// a fifth explored, `replications` times. On the GSM8K answers of two real models in
/// `data`/routellm, both labels known (left out, and said, when `data` is empty or has them not),
/// and on four synthetic arms.
[[nodiscard]] evaluation_bench run_evaluation(const std::filesystem::path& data,
                                              std::uint64_t replications = 1000,
                                              std::uint64_t decisions = 2000);

}  // namespace tandem::bench
