#pragma once

#include <optional>

#include "nodes/cli/endpoint.hpp"
#include "schema/ids.hpp"

namespace tandem::cli {

/// The job that the first argument names; without one, says so on `io`.
[[nodiscard]] std::optional<job_id> job_argument(const invocation& from, console& io);

}  // namespace tandem::cli
