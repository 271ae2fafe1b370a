#pragma once

#include <cstdint>

#include "actors/job/job_state.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Bytes of goals and answers in a summary.
inline constexpr std::size_t summary_text_max = 300;
/// Of a text in a view, where the client asks for no other limit.
inline constexpr std::size_t view_text_max = 4096;

/// The job's line in lists. A job that waits for its turn is `queued` only in its planner's eyes.
void write_summary(schema::JobSummary::Builder summary, const job_state& state);
[[nodiscard]] tmsg::jobsum make_summary(const job_state& state);

/// Everything about the job. Texts are cut to `text_bytes_max` (0: view_text_max) and further,
/// until the whole stays within one message; then `cut` is set.
[[nodiscard]] tmsg::jobview make_view(const job_state& state, std::size_t text_bytes_max);

/// Records `after` < number ≤ `last` as events, as many as fit into one message.
[[nodiscard]] tmsg::events make_events(const job_state& state, std::uint32_t after,
                                       std::uint32_t last);

/// Bytes of the answer from `offset` on, as many as fit into one message.
[[nodiscard]] tmsg::reschnk make_result(const job_state& state, std::uint64_t offset);

}  // namespace tandem
