#pragma once

#include <filesystem>

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// The bars of off-policy evaluation: what doubly-robust estimates are off by.
void report_evaluation(const std::filesystem::path& data, routing_results& results);

}  // namespace tandem::bench
