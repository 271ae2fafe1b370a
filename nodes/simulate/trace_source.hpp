#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "nodes/simulate/work.hpp"

namespace tandem::simulation {

struct trace_options {
  /// Time passes so much faster than it was recorded.
  double speed = 1;
  /// Only the first so many; 0: all.
  std::uint64_t requests = 0;
  /// Shares: of answers that are verified; difficulties are drawn evenly.
  double verified = 0;
  std::uint64_t seed = 1;
  /// Steps that a job's log says a model of this tier did right are drawn up to this difficulty,
  /// those that it did not from it on: the quality of the simulated one.
  std::string small_tier = "small";
  double small_quality = 1;
};

/// Jobs of one log; they are held in memory, since logs have the newest first.
inline constexpr std::size_t trace_jobs_max = 500'000;

/// A recorded trace, by what its first line looks like:
/// - Mooncake's JSON lines: `timestamp` (ms), `input_length`, `output_length`, `hash_ids` (of
/// blocks
///   of 512 tokens). What has one stamp is spread evenly over the time to the next.
/// - Calls as gateways and providers log them, a JSON object a line or a CSV with a header (Azure's
///   published traces too): a time and tokens under their usual names, and whose they were; what
///   `tandem assess --log` reads, see nodes/economics/call_record.hpp. Calls that failed without
///   tokens are left out.
/// - What `tandem jobs export` writes, a job a line: see job_row.hpp. Served in the order of their
///   submission.
/// Read in a stream, at most one line in memory, but for jobs. `invalid_argument` and `not_found`
/// say which line, what is wrong with it and what is expected.
[[nodiscard]] caf::expected<std::unique_ptr<work_source>> open_trace(
    const std::filesystem::path& file, const trace_options& options);

}  // namespace tandem::simulation
