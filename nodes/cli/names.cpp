#include "nodes/cli/names.hpp"

#include <array>
#include <cstddef>

#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr std::array<std::string_view, 7> job_states{"unknown", "queued", "running",  "paused",
                                                     "done",    "failed", "cancelled"};
constexpr std::array<std::string_view, 5> plan_modes{"unknown", "plan_act", "large", "small",
                                                     "auto"};
constexpr std::array<std::string_view, 5> step_states{"unknown", "waiting", "running", "done",
                                                      "abandoned"};
constexpr std::array<std::string_view, 7> purposes{"unknown", "plan",   "step", "compose",
                                                   "verify",  "answer", "way"};
constexpr std::array<std::string_view, 7> healths{"unknown",  "starting", "healthy", "unhealthy",
                                                  "draining", "busy",     "updating"};
constexpr std::array<std::string_view, 4> breakers{"unknown", "closed", "open", "half_open"};

constexpr std::array<std::string_view, 7> reward_sources{
    "unknown", "verification", "escalation", "judge", "user", "outcome", "job"};
constexpr std::array<std::string_view, 7> route_actions{"unknown", "status",   "explain", "try",
                                                        "promote", "rollback", "export"};
constexpr std::array<std::string_view, 3> severities{"unknown", "warning", "critical"};
constexpr std::array<std::string_view, 5> member_states{"unknown", "alive", "suspect", "gone",
                                                        "left"};

template <class Enum, std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, Enum value) {
  auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : names[0];
}

/// `unknown` itself is nothing that somebody may ask for.
template <class Enum, std::size_t N>
std::optional<Enum> find_in(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 1; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(schema::JobState state) {
  return name_in(job_states, state);
}
std::string_view name_of(schema::MemberState state) {
  return name_in(member_states, state);
}
std::string_view name_of(schema::PlanMode mode) {
  return name_in(plan_modes, mode);
}
std::string_view name_of(schema::StepState state) {
  return name_in(step_states, state);
}
std::string_view name_of(schema::Purpose purpose) {
  return name_in(purposes, purpose);
}
std::string_view name_of(schema::Errc code) {
  return to_string(static_cast<errc>(code));
}
std::string_view name_of(schema::Health health) {
  return name_in(healths, health);
}
std::string_view name_of(schema::Breaker breaker) {
  return name_in(breakers, breaker);
}
std::string_view name_of(schema::RewardSource source) {
  return name_in(reward_sources, source);
}
std::string_view name_of(schema::RouteAction action) {
  return name_in(route_actions, action);
}

std::string_view name_of(schema::AlarmSeverity severity) {
  return name_in(severities, severity);
}

std::optional<schema::JobState> parse_job_state(std::string_view name) {
  return find_in<schema::JobState>(job_states, name);
}

std::optional<schema::PlanMode> parse_plan_mode(std::string_view name) {
  return find_in<schema::PlanMode>(plan_modes, name);
}

bool has_ended(schema::JobState state) {
  return state == schema::JobState::DONE || state == schema::JobState::FAILED ||
         state == schema::JobState::CANCELLED;
}

}  // namespace tandem::cli
