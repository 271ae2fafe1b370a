#pragma once

#include <string>

#include "tests/bench/request_trace.hpp"
#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Weights of all engines change at the middle of the trace: what replaying prefixes gains for the
/// first 1,000 requests, beside what any replaying could. `suffix`: of the figures' names.
void report_warm_up(const request_trace& trace, const std::string& suffix, bool has_goals,
                    routing_results& results);

}  // namespace tandem::bench
