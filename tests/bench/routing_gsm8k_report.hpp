#pragma once

#include <filesystem>

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// The bars and the plot of the GSM8K answers of two real models. `data`: the folder of the full
/// data sets; empty, or without them: left out, and said.
void report_gsm8k(const std::filesystem::path& data, routing_results& results);

}  // namespace tandem::bench
