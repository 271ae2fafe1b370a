#pragma once

#include <filesystem>

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Runs everything that bench_engine_choice shows; takes some minutes.
void report_engine_choice(const std::filesystem::path& data, routing_results& results);

}  // namespace tandem::bench
