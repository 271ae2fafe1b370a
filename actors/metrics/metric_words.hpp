#pragma once

#include <string_view>

#include "schema/cluster.capnp.h"
#include "schema/engine.capnp.h"
#include "schema/job.capnp.h"

namespace tandem::words {

// Values of labels: the words of the command line, `unknown` for what a newer node may add.

[[nodiscard]] std::string_view of(schema::Purpose purpose);
[[nodiscard]] std::string_view of(schema::PlanMode mode);
[[nodiscard]] std::string_view of(schema::JobState state);
[[nodiscard]] std::string_view of(schema::MemberState state);
[[nodiscard]] std::string_view of(schema::Health health);
[[nodiscard]] std::string_view of(schema::Breaker breaker);
/// `unknown` is no error: `ok`.
[[nodiscard]] std::string_view of(schema::Errc code);

inline constexpr int health_states = 7;
inline constexpr int breaker_states = 4;
inline constexpr int member_states = 5;

}  // namespace tandem::words
