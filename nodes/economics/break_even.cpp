#include "nodes/economics/break_even.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double steps_max = 1e6;
/// An engine more only beyond what rounding makes of a whole number.
constexpr double rounding = 1e-9;

bool has_engines(const fleet_term& pool) {
  return pool.calls > 0 && pool.engine_rate > 0;
}

/// Requests a second that one engine more is for.
double step_of(const fleet_term& pool, double peak) {
  return pool.engine_rate / (pool.calls * peak);
}

/// US dollars a year that a request a second more costs in the long run.
double slope_of(const std::vector<fleet_term>& fleet, double peak) {
  double slope = 0;
  for (const auto& pool : fleet) {
    slope += pool.calls * pool.call_usd_year;
    if (has_engines(pool)) slope += pool.engine_usd_year / step_of(pool, peak);
  }
  return slope;
}

double paid_by_call(const std::vector<fleet_term>& fleet) {
  double slope = 0;
  for (const auto& pool : fleet) slope += pool.calls * pool.call_usd_year;
  return slope;
}

/// Spares, and `parts` of one engine more of each pool.
double fixed_usd(const std::vector<fleet_term>& fleet, double parts) {
  double usd = 0;
  for (const auto& pool : fleet) {
    if (has_engines(pool)) usd += pool.engine_usd_year * (pool.spares + parts);
  }
  return usd;
}

/// The largest rate below `qps` at which an engine is added.
double step_below(const two_fleets& fleets, double qps) {
  double below = 0;
  for (const auto* fleet : {&fleets.baseline, &fleets.other}) {
    for (const auto& pool : *fleet) {
      if (!has_engines(pool)) continue;
      auto step = step_of(pool, fleets.peak);
      auto count = std::ceil(qps / step * (1 - rounding)) - 1;
      while (count > 0 && count * step >= qps * (1 - rounding)) --count;
      below = std::max(below, std::max(count, 0.0) * step);
    }
  }
  return below;
}

double steps_in(const two_fleets& fleets, double from, double to) {
  double steps = 0;
  for (const auto* fleet : {&fleets.baseline, &fleets.other}) {
    for (const auto& pool : *fleet) {
      if (has_engines(pool)) steps += (to - from) / step_of(pool, fleets.peak) + 1;
    }
  }
  return steps;
}

}  // namespace

double two_fleets::engines(const fleet_term& pool, double qps) const {
  if (!has_engines(pool)) return 0;
  return std::ceil(qps / step_of(pool, peak) * (1 - rounding)) + pool.spares;
}

double two_fleets::yearly_usd(const std::vector<fleet_term>& fleet, double qps) const {
  double usd = 0;
  for (const auto& pool : fleet)
    usd += engines(pool, qps) * pool.engine_usd_year + qps * pool.calls * pool.call_usd_year;
  return usd;
}

double two_fleets::saving(double qps) const {
  return yearly_usd(baseline, qps) - yearly_usd(other, qps) - running_usd_year;
}

std::optional<break_even_point> find_break_even(const two_fleets& fleets) {
  auto slope = slope_of(fleets.baseline, fleets.peak) - slope_of(fleets.other, fleets.peak);
  if (!(slope > 0)) return std::nullopt;
  // A pool has at least the engines that it needs and less than one more.
  auto above =
      (fleets.running_usd_year + fixed_usd(fleets.other, 1) - fixed_usd(fleets.baseline, 0)) /
      slope;
  auto below =
      (fleets.running_usd_year + fixed_usd(fleets.other, 0) - fixed_usd(fleets.baseline, 1)) /
      slope;
  if (!(above > 0)) return break_even_point{0, true};
  if (steps_in(fleets, std::max(below, 0.0), above) > steps_max) return std::nullopt;
  auto by_call = paid_by_call(fleets.baseline) - paid_by_call(fleets.other);
  for (auto end = above * (1 + 1e-6); end > 0;) {
    auto begin = step_below(fleets, end);
    auto middle = (begin + end) / 2;
    auto at_middle = fleets.saving(middle);
    auto at_end = at_middle + by_call * (end - middle);
    auto at_begin = at_middle - by_call * (middle - begin);
    if (at_end < 0) return break_even_point{end, false};
    if (at_begin < 0) return break_even_point{middle - at_middle / by_call, true};
    end = begin;
  }
  return break_even_point{0, false};
}

}  // namespace tandem
