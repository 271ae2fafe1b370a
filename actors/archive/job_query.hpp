#pragma once

#include <cstdint>

#include "schema/job.capnp.h"

namespace tandem {

/// Whether a job's line fits a client's filters.
[[nodiscard]] bool matches(schema::JobQuery::Reader query, schema::JobSummary::Reader job);

/// Jobs on one page.
inline constexpr std::uint32_t page_max = 200;
inline constexpr std::uint32_t page_default = 20;

}  // namespace tandem
