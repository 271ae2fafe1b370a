#include "actors/metrics/metric_words.hpp"

#include <array>
#include <cstddef>

#include "schema/errc.hpp"

namespace tandem::words {
namespace {

constexpr std::array<std::string_view, 9> purposes{"unknown", "plan", "step", "compose", "verify",
                                                   "answer",  "way",  "warm", "embed"};
constexpr std::array<std::string_view, 5> modes{"unknown", "plan_act", "large", "small", "auto"};
constexpr std::array<std::string_view, 7> job_states{"unknown", "queued", "running",  "paused",
                                                     "done",    "failed", "cancelled"};
constexpr std::array<std::string_view, member_states> members{"unknown", "alive", "suspect", "gone",
                                                              "left"};
constexpr std::array<std::string_view, health_states> healths{
    "unknown", "starting", "healthy", "unhealthy", "draining", "busy", "updating"};
constexpr std::array<std::string_view, breaker_states> breakers{"unknown", "closed", "open",
                                                                "half_open"};

template <class Enum, std::size_t N>
std::string_view word(const std::array<std::string_view, N>& all, Enum value) {
  auto place = static_cast<std::size_t>(value);
  return place < N ? all[place] : all[0];
}

}  // namespace

std::string_view of(schema::Purpose purpose) {
  return word(purposes, purpose);
}
std::string_view of(schema::PlanMode mode) {
  return word(modes, mode);
}
std::string_view of(schema::JobState state) {
  return word(job_states, state);
}
std::string_view of(schema::MemberState state) {
  return word(members, state);
}
std::string_view of(schema::Health health) {
  return word(healths, health);
}
std::string_view of(schema::Breaker breaker) {
  return word(breakers, breaker);
}
std::string_view of(schema::Errc code) {
  return code == schema::Errc::UNKNOWN ? "ok" : to_string(static_cast<errc>(code));
}

}  // namespace tandem::words
