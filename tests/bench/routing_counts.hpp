#pragma once

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Through kills, a partition and records that are told again: is every reward counted once?
void run_counts(routing_results& results);

}  // namespace tandem::bench
