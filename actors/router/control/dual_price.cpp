#include "actors/router/control/dual_price.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "actors/router/control/is_within.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t hour_ms = 3'600'000;
/// How an hour is divided where jobs are small: its hundredth plays the part of a job.
constexpr double units_per_hour = 100;
/// log(1 + price) for each unit of debt, and what it learns from a unit of debt in each job. For a
/// cost that halves when the price doubles both together are damped.
constexpr double proportional = 0.05;
constexpr double integral = 0.0005;
/// A single dear job must not teach the lasting part more than this.
constexpr double taught_debt_max = 10;
constexpr double credit_max = 25;
constexpr double debt_max = 200;
constexpr double mean_jobs = 100;
/// A million US dollars: no call costs that.
constexpr double cost_max_nanousd = 1e15;

const double level_max = std::log1p(dual_price::price_max);

}  // namespace

caf::expected<dual_price> dual_price::restore(const dual_price_target& target,
                                              const dual_price_state& state) {
  constexpr double sum_max = cost_max_nanousd * 1e3;
  if (!is_within(state.level, 0, level_max) || !is_within(state.debt_nanousd, -sum_max, sum_max) ||
      !is_within(state.job_mean_nanousd, 0, sum_max) ||
      !is_within(state.job_now_nanousd, 0, sum_max) ||
      !is_within(state.hour_spent_nanousd, 0, sum_max))
    return make_error(errc::corrupted,
                      "the kept price of a budget has numbers that no spending gives; it starts "
                      "again from 0 when its record is removed");
  dual_price restored{target};
  restored.state_ = state;
  auto unit = restored.unit_nanousd();
  restored.state_.debt_nanousd =
      std::clamp(state.debt_nanousd, -credit_max * unit, debt_max * unit);
  return restored;
}

double dual_price::unit_nanousd() const {
  if (!is_hourly()) return static_cast<double>(target_.job_nanousd);
  auto hour = static_cast<double>(std::max<std::int64_t>(target_.hour_nanousd, 1));
  return std::clamp(state_.job_mean_nanousd, hour / units_per_hour, hour);
}

double dual_price::debt_at(std::uint64_t now_ms) const {
  if (!is_hourly() || now_ms <= state_.as_of_ms || state_.as_of_ms == 0) return state_.debt_nanousd;
  auto elapsed = static_cast<double>(std::min(now_ms - state_.as_of_ms, hour_ms * 1000));
  auto granted = elapsed / hour_ms * static_cast<double>(target_.hour_nanousd);
  return std::max(state_.debt_nanousd - granted, -credit_max * unit_nanousd());
}

double dual_price::price(std::uint64_t now_ms) const {
  if (!has_target()) return 0;
  auto log_price = state_.level + proportional * debt_at(now_ms) / unit_nanousd();
  return std::min(std::expm1(std::clamp(log_price, 0.0, level_max)), price_max);
}

void dual_price::ascend(double units) {
  auto debt = std::clamp(state_.debt_nanousd / unit_nanousd(), -taught_debt_max, taught_debt_max);
  state_.level = std::clamp(state_.level + integral * units * debt, 0.0, level_max);
}

void dual_price::advance(std::uint64_t now_ms) {
  auto hour = now_ms / hour_ms;
  if (hour != state_.hour) {
    state_.hour = hour;
    state_.hour_spent_nanousd = 0;
  }
  if (is_hourly()) {
    auto before = state_.debt_nanousd;
    state_.debt_nanousd = debt_at(now_ms);
    // Time teaches as jobs do; by what was granted in it, so that a clock that jumps teaches
    // little.
    ascend((before - state_.debt_nanousd) / unit_nanousd());
  }
  state_.as_of_ms = now_ms;
}

void dual_price::on_cost(std::int64_t cost_nanousd, std::uint64_t now_ms) {
  if (!has_target()) return;
  advance(now_ms);
  auto cost = std::clamp(static_cast<double>(cost_nanousd), 0.0, cost_max_nanousd);
  state_.debt_nanousd = std::min(state_.debt_nanousd + cost, debt_max * unit_nanousd());
  state_.job_now_nanousd = std::min(state_.job_now_nanousd + cost, cost_max_nanousd);
  state_.hour_spent_nanousd = std::min(state_.hour_spent_nanousd + cost, cost_max_nanousd);
}

void dual_price::on_job(std::uint64_t now_ms) {
  if (!has_target()) return;
  advance(now_ms);
  ++state_.jobs;
  auto share = 1 / std::min(static_cast<double>(state_.jobs), mean_jobs);
  state_.job_mean_nanousd += share * (state_.job_now_nanousd - state_.job_mean_nanousd);
  state_.job_now_nanousd = 0;
  if (is_hourly()) return;
  auto target = static_cast<double>(target_.job_nanousd);
  state_.debt_nanousd = std::max(state_.debt_nanousd - target, -credit_max * target);
  ascend(1);
}

double dual_price::spent_nanousd(std::uint64_t now_ms) const {
  if (!is_hourly()) return state_.job_mean_nanousd;
  return now_ms / hour_ms == state_.hour ? state_.hour_spent_nanousd : 0;
}

}  // namespace tandem
