#pragma once

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Ways of whole jobs (plan/act, large alone, small alone) on recorded outcomes of the embedded
/// models: tests/data/routing/tiny_outcomes.csv.
void run_tiny(routing_results& results);

}  // namespace tandem::bench
