#pragma once

#include <functional>

#include "actors/gateway/gateway.hpp"
#include "actors/openai/answer_writer.hpp"
#include "schema/ids.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What a job's client and its key are told of its end.
[[nodiscard]] job_id id_of(schema::JobId::Reader id);
[[nodiscard]] call_end read_job_end(schema::JobSummary::Reader summary);

/// Calls `done` once with what the job has used, when it has ended, however long that takes. A home
/// that is lost is asked again for ten minutes; then, and when the job is deleted, `done` is not
/// called.
void when_job_ends(gateway_pointer self, tmsg::jobref job,
                   std::function<void(const call_end&)> done);

}  // namespace tandem
