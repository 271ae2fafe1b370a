#pragma once

#include <string>

#include "nodes/cli/cost_report.hpp"
#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// What was spent, for a person: rows, totals, what it is compared with and what that assumes.
[[nodiscard]] std::string cost_text(const cost_report& report, const style& how);

/// For scripts: an object with
///   from, to (days, UTC; both within), tenant (null: all), by [..],
///   rows [{day?, tenant?, model?, tier?, kind?, purpose?, attempts, failed, simulated, usage,
///     failed_cost_nanousd, failed_all_large_nanousd, unpriced, unpriced_nanousd, saved_nanousd,
///     saving_percent}],
///   jobs [{day?, tenant?, done, failed, cancelled, unfinished, simulated, judged, right,
///     judged_nanousd, judged_all_large_nanousd, right_nanousd}],
///   total (as a row, with saving_interval_percent [low, high] or null),
///   total_jobs (as a row of jobs, with counted and right_interval_nanousd),
///   quality {node, decisions, rewarded, effective, said, why_not, chosen, large, lead} or null,
///   journals, missing [{journal, node, waiting, in_part}], purged, unreadable, folded,
///   first_ms, last_ms, assumes
[[nodiscard]] std::string cost_json(const cost_report& report);

/// Of money for each right job; nothing: there was none.
[[nodiscard]] std::optional<double> right_nanousd(const cost_jobs& jobs);

}  // namespace tandem::cli
