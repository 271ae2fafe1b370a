#pragma once

#include <caf/expected.hpp>

#include "actors/router/learning/arm_record.hpp"
#include "schema/routing.capnp.h"

namespace tandem {

/// The sums in a record from a disk or another node, once they can be believed. `corrupted` says
/// what no rewards can have; `invalid_argument`: another feature version or dimension.
[[nodiscard]] caf::expected<told_sums> read_statistics(schema::ArmStatistics::Reader record,
                                                       const learner_config& config);

}  // namespace tandem
