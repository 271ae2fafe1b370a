#pragma once

#include <cstddef>
#include <string>

#include "actors/client/client.hpp"
#include "nodes/cli/console.hpp"
#include "schema/job.capnp.h"

namespace tandem::cli {

/// One job as a line of a trace, without its line end and without any text of its user: an object
/// with
///   v (1), job, submitted_at_ms, ended_at_ms (null: not yet), tenant, mode, routed, priority,
///   state, feedback (null: none), right (by feedback of .5 or more; null: nobody said), simulated,
///   steps [{step, epoch, kind, depends_on [..]}],
///   attempts [{attempt, step (0: plan or answer), epoch, purpose, kind, model, tier, engine, error
///     (null: it went well), calls, prompt_tokens, cached_prompt_tokens, completion_tokens,
///     cost_nanousd, cost_all_large_nanousd, cache_hits, queue_us, first_token_us, total_us, at_ms
///     (its end), hedged}],
///   cut (true: it had more attempts than a message carries)
[[nodiscard]] std::string write_job_line(schema::JobView::Reader job);

/// Writes the jobs that fit `query`, the newest first, at most `limit`; one call for each.
exit_code export_jobs(client& node, message_builder<schema::JobQuery>& query, std::size_t limit,
                      console& io);

}  // namespace tandem::cli
