#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nodes/cli/style.hpp"
#include "schema/json_writer.hpp"
#include "schema/topology.capnp.h"

namespace tandem::cli {

/// Whether an engine is given requests now, and why.
struct engine_verdict {
  enum class state : unsigned char { used, limited, unused };
  state is = state::unused;
  /// Ends a sentence: `it is healthy`, `its breaker is open, ...`.
  std::string why;
  /// What a person can do; may be empty.
  std::string mend;
};
[[nodiscard]] engine_verdict judge_engine(schema::EngineStatus::Reader engine,
                                          std::uint64_t now_ms);

/// One line per engine of the cluster.
[[nodiscard]] std::string engines_text(schema::Topology::Reader topology, const style& how,
                                       std::uint64_t now_ms);
/// Why an engine is used or not, and all that is known about it. `node`: where it is.
[[nodiscard]] std::string explain_text(schema::EngineStatus::Reader engine, std::string_view node,
                                       const style& how, std::uint64_t now_ms);
/// One line per thing that was tried; for an engine without a server how it is.
[[nodiscard]] std::string probe_text(schema::EngineReport::Reader report, const style& how,
                                     std::uint64_t now_ms);
/// Whether everything that was tried worked; for an engine without a server whether it is healthy.
[[nodiscard]] bool is_all_ok(schema::EngineReport::Reader report);

/// Requests at once, now: `64`, or `40 of 64` where measured latency allows no more.
[[nodiscard]] std::uint32_t places_of(schema::EngineStatus::Reader engine);
[[nodiscard]] std::string places_text(schema::EngineStatus::Reader engine);

/// A health or an actor's state, coloured.
[[nodiscard]] tint tint_of_state(std::string_view state);

// The JSON of engines: stable names, null for what is not known.

/// The fields of an engine, within an object that is open.
void write_fields(json_writer& json, schema::EngineStatus::Reader engine);
[[nodiscard]] std::string engines_json(schema::Topology::Reader topology);
[[nodiscard]] std::string explain_json(schema::EngineStatus::Reader engine, std::string_view node,
                                       std::uint64_t now_ms);
[[nodiscard]] std::string probe_json(schema::EngineReport::Reader report);

}  // namespace tandem::cli
