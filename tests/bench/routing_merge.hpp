#pragma once

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Four routers with a quarter of the traffic each that learn together, beside one that sees all.
void run_merge(routing_results& results);

}  // namespace tandem::bench
