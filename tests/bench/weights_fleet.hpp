#pragma once

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// What bench_weights_fleet runs; each adds its bars and notes.
void report_interruption(routing_results& results);
void report_scale(routing_results& results);
void report_checker(routing_results& results);
void report_canaries(routing_results& results);

/// `goal_name` empty: shown alone. A name that ends in `_min` is at least, else at most.
inline void add_bar(routing_results& results, const std::string& what, const std::string& regime,
                    const std::string& figure, const estimate& measured,
                    const std::string& goal_name = {}) {
  results.bars.push_back({what, regime, figure, measured,
                          goal_name.empty() ? 0 : goal("weights_fleet", goal_name),
                          goal_name.empty()             ? bar_kind::shown
                          : goal_name.ends_with("_min") ? bar_kind::at_least
                                                        : bar_kind::at_most});
}

inline estimate exactly(double value) {
  return {value, value, value};
}

}  // namespace tandem::bench
