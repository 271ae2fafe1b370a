#pragma once

#include <string>
#include <vector>

#include "nodes/cli/style.hpp"
#include "nodes/simulate/tuning.hpp"

namespace tandem::cli {

/// What a tuning was of, for whoever reads what came of it.
struct tune_head {
  std::string config;
  std::string work;
  /// What gains were measured on, and what was not used for choosing.
  std::string measured_on;
  std::string goal;
  simulation::tuning_options options;
  /// For `tandem route try`; empty: nothing of it can be tried.
  std::string policy;
};

[[nodiscard]] std::string tune_text(const tune_head& head, const simulation::tuning_result& result,
                                    const style& how);
/// One document, on one line.
[[nodiscard]] std::string tune_json(const tune_head& head, const simulation::tuning_result& result);

}  // namespace tandem::cli
