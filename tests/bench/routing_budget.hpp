#pragma once

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// A tenant's target, met by a router that learns at the same time, for costs of several spreads;
/// and the hard cap under concurrent jobs.
void run_budget(routing_results& results);

}  // namespace tandem::bench
