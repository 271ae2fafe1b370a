#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/routing_plots.hpp"
#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// One figure of the brief, beside what was measured.
struct claim {
  /// As the brief has it.
  std::string said;
  /// What was measured, and under which conditions.
  std::string condition;
  /// In the line of JSON.
  std::string figure;
  /// A share, or a factor.
  double measured = 0;
  /// Where there are several runs; equal to `measured` for none.
  double low = 0;
  double high = 0;
  /// What the project wants to reach.
  double goal = 0;
  /// `percent`: shares are shown so; else as factors.
  bool percent = true;
  /// Nothing to reach: shown beside the others.
  bool shown = false;
  /// What would have to be true, where it does not hold; or what to know.
  std::string remark;

  [[nodiscard]] bool holds() const { return shown || measured >= goal; }
};

struct claim_options {
  /// The full data sets; samples in the tree without it.
  std::filesystem::path data;
  /// Fewer runs, for a look.
  bool quick = false;
};

struct claim_results {
  std::vector<claim> claims;
  std::vector<plot_file> plots;
  /// Texts below the table.
  std::vector<std::string> notes;
};

/// Plan/act jobs whose steps are verified: learned routing against all-large, at the brief's prices
/// and at public ones; and the same on the embedded models, for real.
void measure_cost(const claim_options& options, claim_results& out);
/// Real plans: streamed, and with parallel steps.
void measure_latency(const claim_options& options, claim_results& out);
/// Calls a second, and jobs, that a fleet of the same price an hour serves in time.
void measure_throughput(const claim_options& options, claim_results& out);
/// A recorded trace: choice of engines by estimated first token against sglang's rule.
void measure_goodput(const claim_options& options, claim_results& out);
/// Updates of weights under load.
void measure_interruption(const claim_options& options, claim_results& out);
/// What the brief's figures imply for each other, and what public prices allow.
void check_arithmetic(claim_results& out);

}  // namespace tandem::bench
