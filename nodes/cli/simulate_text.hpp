#pragma once

#include <string>
#include <vector>

#include "nodes/cli/style.hpp"
#include "nodes/simulate/report.hpp"

namespace tandem::cli {

/// For a person: one table of what it costs and how right it is, one of times, one of engines.
[[nodiscard]] std::string simulate_text(const simulation::report_head& head,
                                        const std::vector<simulation::variant_result>& results,
                                        const style& how);

}  // namespace tandem::cli
