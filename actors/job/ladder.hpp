#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "actors/planner/planner_config.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// What is done about a failed attempt: each rung is recorded with its reason.
enum class rung : std::uint8_t {
  /// The same again, on another engine where there is one.
  retry,
  /// Another model of its tier takes the step.
  other_model,
  /// The large tier takes the step.
  large,
  /// A new plan; finished steps stay.
  new_epoch,
  /// A job of mode `auto` goes another way.
  other_way,
  /// The job fails.
  fail,
  /// Back-pressure, not a failure: the same again after a pause, without counting.
  wait,
};

[[nodiscard]] constexpr std::string_view to_string(rung r) {
  switch (r) {
    case rung::retry:
      return "retry";
    case rung::other_model:
      return "other model";
    case rung::large:
      return "large";
    case rung::new_epoch:
      return "new plan";
    case rung::other_way:
      return "other way";
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
  /// Models of the step's tier beside the one that is asked first.
  std::uint32_t other_models = 0;
};

/// Tries of one step on each rung.
struct step_rungs {
  std::uint32_t small = 0;
  std::uint32_t other_models = 0;
  std::uint32_t large = 0;
};

/// `[jobs]`, with what `[[kind]]` says otherwise; `kind` null: nothing.
[[nodiscard]] constexpr step_rungs rungs_of(const planner_config& config, const kind_config* kind) {
  step_rungs rungs{config.small_attempts_max, config.other_models_max, config.large_attempts_max};
  if (kind == nullptr) return rungs;
  auto own = [](std::int32_t value, std::uint32_t otherwise) {
    return value < 0 ? otherwise : static_cast<std::uint32_t>(value);
  };
  return {own(kind->small_attempts_max, rungs.small),
          own(kind->other_models_max, rungs.other_models),
          own(kind->large_attempts_max, rungs.large)};
}

/// Busy engines are waited for; nothing else is repeated without being counted.
[[nodiscard]] constexpr bool is_back_pressure(errc error) {
  return error == errc::overloaded || error == errc::unavailable;
}

[[nodiscard]] constexpr rung next_epoch_or_fail(const climb& c, const planner_config& config) {
  return c.epoch < config.epochs_max ? rung::new_epoch : rung::fail;
}

/// A step: again, elsewhere -> another model of its tier -> large -> new plan -> fail. What a
/// budget forbids stays forbidden.
[[nodiscard]] constexpr rung climb_step(const climb& c, const planner_config& config,
                                        const kind_config* kind = nullptr) {
  if (is_back_pressure(c.error)) return rung::wait;
  if (c.error == errc::budget_exceeded) return rung::fail;
  auto rungs = rungs_of(config, kind);
  // What is wrong with the request itself stays wrong elsewhere, except that a large model may take
  // more of it.
  auto wrong = c.error == errc::invalid_argument;
  auto small_max = wrong ? 1 : rungs.small;
  auto others_max = small_max + (wrong ? 0 : std::min(rungs.other_models, c.other_models));
  if (c.failures < small_max) return rung::retry;
  if (c.failures < others_max) return rung::other_model;
  if (c.failures < others_max + rungs.large) return rung::large;
  return next_epoch_or_fail(c, config);
}

/// The verification of an answer that a step wrote: a broken check is tried again, an answer that
/// does not fit brings a new plan.
[[nodiscard]] constexpr rung climb_verification(const climb& c, const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  if (c.error == errc::budget_exceeded) return rung::fail;
  if (c.error != errc::invalid_output)
    return c.failures < config.small_attempts_max ? rung::retry : rung::fail;
  return next_epoch_or_fail(c, config);
}

/// What is wrong with a request stays wrong, but one server alone may say so wrongly: it is offered
/// to another once.
[[nodiscard]] constexpr std::uint32_t tries_of(errc error, std::uint32_t tries_max) {
  return error == errc::invalid_argument ? std::min(tries_max, 2u) : tries_max;
}

/// A plan request: again (what was taken of it already must come again, letter for letter) → new
/// plan → fail.
[[nodiscard]] constexpr rung climb_plan(const climb& c, const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  if (c.error == errc::budget_exceeded) return rung::fail;
  auto again = c.failures < tries_of(c.error, config.plan_attempts_max);
  if (c.plan_begun)
    return again && c.error != errc::invalid_output ? rung::retry : next_epoch_or_fail(c, config);
  return again ? rung::retry : rung::fail;
}

/// A composed or direct answer: again → large (composed only) → fail.
[[nodiscard]] constexpr rung climb_answer(const climb& c, bool composed,
                                          const planner_config& config) {
  if (is_back_pressure(c.error)) return rung::wait;
  if (c.error == errc::budget_exceeded) return rung::fail;
  if (c.failures < tries_of(c.error, config.small_attempts_max)) return rung::retry;
  if (composed && c.failures < config.small_attempts_max + config.large_attempts_max)
    return rung::large;
  return rung::fail;
}

}  // namespace tandem
