#pragma once

#include "tests/bench/request_trace.hpp"
#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Weights of all engines change at the middle of the trace: what replaying prefixes gains for the
/// first 1,000 requests, beside what any replaying could. Bars have goals with `is_full` alone.
void report_warm_up(const request_trace& trace, bool is_full, routing_results& results);

}  // namespace tandem::bench
