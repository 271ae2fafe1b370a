#pragma once

#include <span>
#include <string>
#include <string_view>

#include "actors/router/evaluation/off_policy.hpp"

namespace tandem::cli {

/// What `route eval --json` prints. `log`: its name.
[[nodiscard]] std::string evaluation_json(std::string_view log,
                                          const off_policy_evaluator& evaluator,
                                          std::span<const policy_estimate> estimates);

}  // namespace tandem::cli
