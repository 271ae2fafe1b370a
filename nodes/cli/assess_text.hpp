#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodes/cli/style.hpp"
#include "nodes/economics/assess_file.hpp"
#include "nodes/economics/assessment.hpp"
#include "nodes/economics/call_log.hpp"

namespace tandem::cli {

/// What was read of a log, and which model's calls are assessed.
struct assessed_log {
  std::string name;
  model_traffic chosen;
  std::vector<model_traffic> models;
  std::vector<skipped_lines> skipped;
  std::uint64_t failed = 0;
};

/// For people: the verdict first, then what it is computed from.
[[nodiscard]] std::string assessment_text(const assess_request& asked, const assessment& result,
                                          const std::optional<assessed_log>& log, bool with_inputs,
                                          const style& how);

/// For scripts; names never change.
[[nodiscard]] std::string assessment_json(const assess_request& asked, const assessment& result,
                                          const std::optional<assessed_log>& log);

/// An estimate's value for people: `$13.61`, `60.9%`, `3.2`, `none`.
[[nodiscard]] std::string unit_text(std::optional<double> value, figure_unit unit);

}  // namespace tandem::cli
