#pragma once

#include <cstdint>
#include <string>

#include "nodes/cli/style.hpp"
#include "schema/routing.capnp.h"

namespace tandem::cli {

/// Which policy acts and what is tried, what was learned of each arm, what tenants pay, and what a
/// person should know.
[[nodiscard]] std::string route_status_text(schema::RouteReport::Reader report, const style& how,
                                            std::uint64_t now_ms);
/// The candidates of one decision, why one was chosen, and what came of it.
[[nodiscard]] std::string route_explain_text(schema::DecisionRecord::Reader decision,
                                             const style& how, std::uint64_t now_ms);
/// Why the chosen one was chosen: a sentence without its full stop.
[[nodiscard]] std::string why_chosen(schema::DecisionRecord::Reader decision);
/// What acts now and what is tried, in one line: the answer to try, promote and rollback.
[[nodiscard]] std::string route_setting_text(schema::RouteSetting::Reader setting);

/// Stable names; null for what is not known, and for what is no number.
[[nodiscard]] std::string route_status_json(schema::RouteReport::Reader report);
[[nodiscard]] std::string route_setting_json(schema::RouteSetting::Reader setting);
/// A line of a decision log, see decision_json.hpp, with `why`.
[[nodiscard]] std::string route_explain_json(schema::DecisionRecord::Reader decision);

}  // namespace tandem::cli
