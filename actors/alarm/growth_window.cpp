#include "actors/alarm/growth_window.hpp"

namespace tandem {

void growth_window::add(const node_sums& sums, std::uint64_t now_ms) {
  auto began_anew = sums.attempts < newest_.sums.attempts || sums.cost_usd < newest_.sums.cost_usd;
  if (began_anew || now_ms < newest_.at_ms) samples_.clear();
  newest_ = {now_ms, sums};
  if (samples_.empty() || now_ms - samples_.back().at_ms >= step_ms) samples_.push_back(newest_);
  while (now_ms - samples_.front().at_ms > window_ms_max) samples_.pop_front();
}

node_sums growth_window::within(std::uint64_t window_ms) const {
  for (const auto& each : samples_) {
    if (newest_.at_ms - each.at_ms > window_ms) continue;
    return {.attempts = newest_.sums.attempts - each.sums.attempts,
            .attempts_failed = newest_.sums.attempts_failed - each.sums.attempts_failed,
            .cost_usd = newest_.sums.cost_usd - each.sums.cost_usd};
  }
  return {};
}

}  // namespace tandem
