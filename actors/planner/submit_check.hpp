#pragma once

#include <caf/error.hpp>

#include "actors/planner/planner_config.hpp"
#include "schema/job.capnp.h"

namespace tandem {

/// `invalid_argument` says what is wrong with a submission and how to mend it.
[[nodiscard]] caf::error check_submit(schema::Submit::Reader submit, const planner_config& config);

/// Whether a submission with a known client key asks for the same as the job that the key names.
[[nodiscard]] bool same_goal(schema::Submit::Reader a, schema::Submit::Reader b);

}  // namespace tandem
