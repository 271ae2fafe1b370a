#pragma once

#include <string>

#include "schema/routing.capnp.h"

namespace tandem::cli {

/// One decision as a line of a decision log, without its line end: what `tandem route export`
/// writes and `tandem route eval` reads. Numbers read back the same; ids are texts, since they are
/// above what many readers of JSON take for a whole number. An object with
///   v (1), id, at_ms, purpose, kind, tenant, policy,
///   arms [{model, tier, weight_version, filter?, quality, deviation, exploration, cost,
///     cost_nanousd, latency_us, score, propensity}],
///   chosen (into arms), engine, features {version, dense [..], sparse [[index, value]..]},
///   cost_price, latency_price, rewards [{source, quality, at_ms}],
///   quality (when one was learned), cost_nanousd (when it is known), latency_us, tries, job, trial
/// and `shadow`, an array of one number an arm, when a candidate was in shadow.
[[nodiscard]] std::string write_decision_json(schema::DecisionRecord::Reader decision);

}  // namespace tandem::cli
