#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodes/cli/job_picture.hpp"
#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// The plan as lines: a heading, then a step each, indented by what it waits for. Beyond `rows_max`
/// (0: no limit) finished steps give way first, and a line says how many are left out.
[[nodiscard]] std::vector<std::string> graph_lines(const job_picture& job, const style& how,
                                                   std::size_t rows_max = 0);

/// Everything about one job. `now_ms`: Unix time.
[[nodiscard]] std::string job_text(schema::JobView::Reader job, const style& how,
                                   std::uint64_t now_ms);

/// One line per job, the newest first.
[[nodiscard]] std::string jobs_text(schema::JobList::Reader list, const style& how,
                                    std::uint64_t now_ms);

/// A line for each journal whose jobs are not in the list: `waiting for journal k3fwq2xm (node c)`.
[[nodiscard]] std::string missing_text(schema::JobList::Reader list, const style& how);

/// `done in 1.23 s, 8 of 8 steps, $0.000123 (97.3% saved against all large)`
[[nodiscard]] std::string ending_text(schema::JobSummary::Reader summary);

/// What happened, as lines for a log: `   1.234 s  done     3 calc: 19 (small)`. `picture` has the
/// job as it was before.
[[nodiscard]] std::string event_text(schema::JobEvent::Reader event, const job_picture& picture,
                                     const style& how);

}  // namespace tandem::cli
