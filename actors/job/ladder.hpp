#pragma once

#include <cstdint>
#include <string_view>

#include "actors/planner/planner_config.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// What is done about a failed attempt: each rung is recorded with its reason.
enum class rung : std::uint8_t {
  /// The same again, on another engine where there is one.
  retry,
  /// The large tier takes the step.
  large,
  /// A new plan; finished steps stay.
  new_epoch,
  /// The job fails.
  fail,
  /// Back-pressure, not a failure: the same again after a pause, without counting.
  wait,
};

[[nodiscard]] constexpr std::string_view to_string(rung r) {
  switch (r) {
    case rung::retry:
      return "retry";
    case rung::large:
      return "large";
    case rung::new_epoch:
      return "new plan";
    case rung::fail:
      return "fail";
    case rung::wait:
      return "wait";
  }
  return "unknown";
}

struct climb {
  errc error = errc::unknown;
  /// Failures of this step (or plan request, or answer), the present one included.
  std::uint32_t failures = 0;
  std::uint32_t epoch = 1;
  /// Steps of the present epoch are journaled already: a bad plan cannot simply be asked for again.
  bool plan_begun = false;
};

/// Busy engines are waited for; nothing else is repeated without being counted.
[[nodiscard]] constexpr bool is_back_pressure(errc error) {
  return error == errc::overloaded || error == errc::unavailable;
}

[[nodiscard]] constexpr rung next_epoch_or_fail(const climb& c, const planner_config& config) {
  return c.epoch < config.epochs_max ? rung::new_epoch : rung::fail;
}

/// A step: small again → large → new plan → fail.
[[nodiscard]] constexpr rung climb_step(const climb& c, const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  // What is wrong with the request itself stays wrong elsewhere, except that a large model may take
  // more of it.
  auto small_max = c.error == errc::invalid_argument ? 1 : config.small_attempts_max;
  if (c.failures < small_max) return rung::retry;
  if (c.failures < small_max + config.large_attempts_max) return rung::large;
  return next_epoch_or_fail(c, config);
}

/// A plan request: again (what was taken of it already must come again, letter for letter) → new
/// plan → fail.
[[nodiscard]] constexpr rung climb_plan(const climb& c, const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  auto again = c.error != errc::invalid_argument && c.failures < config.plan_attempts_max;
  if (c.plan_begun)
    return again && c.error != errc::invalid_output ? rung::retry : next_epoch_or_fail(c, config);
  return again ? rung::retry : rung::fail;
}

/// A composed or direct answer: again → large (composed only) → fail.
[[nodiscard]] constexpr rung climb_answer(const climb& c, bool composed,
                                          const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  if (c.error != errc::invalid_argument && c.failures < config.small_attempts_max)
    return rung::retry;
  if (composed && c.failures < config.small_attempts_max + config.large_attempts_max)
    return rung::large;
  return rung::fail;
}

}  // namespace tandem
