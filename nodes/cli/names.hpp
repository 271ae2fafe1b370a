#pragma once

#include <optional>
#include <string_view>

#include "schema/cluster.capnp.h"
#include "schema/engine.capnp.h"
#include "schema/job.capnp.h"
#include "schema/routing.capnp.h"
#include "schema/topology.capnp.h"

namespace tandem::cli {

// The words that people and scripts read and write. `unknown` for what a newer node may add.

[[nodiscard]] std::string_view name_of(schema::JobState state);
[[nodiscard]] std::string_view name_of(schema::MemberState state);
[[nodiscard]] std::string_view name_of(schema::PlanMode mode);
[[nodiscard]] std::string_view name_of(schema::StepState state);
[[nodiscard]] std::string_view name_of(schema::Purpose purpose);
[[nodiscard]] std::string_view name_of(schema::Errc code);
[[nodiscard]] std::string_view name_of(schema::Health health);
[[nodiscard]] std::string_view name_of(schema::Breaker breaker);
[[nodiscard]] std::string_view name_of(schema::RewardSource source);
[[nodiscard]] std::string_view name_of(schema::RouteAction action);
[[nodiscard]] std::string_view name_of(schema::AlarmSeverity severity);

[[nodiscard]] std::optional<schema::JobState> parse_job_state(std::string_view name);
[[nodiscard]] std::optional<schema::PlanMode> parse_plan_mode(std::string_view name);

[[nodiscard]] bool has_ended(schema::JobState state);

}  // namespace tandem::cli
