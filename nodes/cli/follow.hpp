#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/client/client.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/job_picture.hpp"

namespace tandem::cli {

struct follow_options {
  bool json = false;
  /// The last event seen.
  std::uint64_t after = 0;
  /// How long to follow; nothing: until the job has ended.
  std::optional<std::chrono::milliseconds> limit;
};

/// Shows what happens to the job until it has ended, then its answer: a view that redraws itself on
/// a terminal, a line per event elsewhere, a JSON object per event with `json` (the last one is
/// `{"event":"ended",...}`). ^C leaves the job running.
[[nodiscard]] exit_code follow_job(client& node, job_id job, const follow_options& options,
                                   console& io);

/// Waits for the job's end without showing anything, then shows its answer.
[[nodiscard]] exit_code wait_for_job(client& node, job_id job, bool json, console& io);

/// The live view's lines for a terminal of `how.width` columns and `height` lines; never more lines
/// than fit.
[[nodiscard]] std::vector<std::string> live_lines(const job_picture& job, job_id id,
                                                  const style& how, std::size_t height,
                                                  std::uint64_t now_ms);

/// `unavailable` and timeouts while waiting: what the job does meanwhile, and how to come back to
/// it.
exit_code fail_waiting(console& io, const caf::error& err, job_id job);

/// Says that the job has failed or was cancelled, why, and what to do. Precondition: it did.
exit_code fail_ended(console& io, schema::JobSummary::Reader summary);

/// The answer as it is for a pipe; for a terminal made printable and ended by a line end.
void write_answer(console& io, const std::string& answer);

}  // namespace tandem::cli
