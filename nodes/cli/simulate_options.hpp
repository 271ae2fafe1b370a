#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <caf/expected.hpp>

#include "nodes/cli/command_line.hpp"
#include "nodes/simulate/simulation.hpp"

namespace tandem::cli {

// Options that `simulate` and `tune` have in common; each error names its option.

inline constexpr std::uint32_t engines_of_a_model_max = 10'000;

/// `--engines MODEL=N`, any number of times.
[[nodiscard]] caf::expected<std::map<std::string, std::uint32_t>> replicas_in(
    const invocation& from);
/// `--slo`, `--job-slo`, `--warm-up` and `--seed`.
[[nodiscard]] caf::error read_run_options(const invocation& from, simulation::run_options& out);
/// The best of simulated engines of the small tier; 1 without any.
[[nodiscard]] double small_quality(const node_config& config);

}  // namespace tandem::cli
