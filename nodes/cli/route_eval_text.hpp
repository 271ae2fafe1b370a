#pragma once

#include <span>
#include <string>

#include "actors/router/evaluation/off_policy.hpp"
#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// A line for each policy, and below what a person should know before believing them.
[[nodiscard]] std::string evaluation_text(const off_policy_evaluator& evaluator,
                                          std::span<const policy_estimate> estimates,
                                          const style& how);

}  // namespace tandem::cli
