#pragma once

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Four arms, of which one arrives, leaves, halves its price, collapses or comes back.
void run_arms(routing_results& results);

}  // namespace tandem::bench
