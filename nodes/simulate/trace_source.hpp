#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

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
};

/// A recorded trace, by what its first line looks like:
/// - Mooncake's JSON lines: `timestamp` (ms), `input_length`, `output_length`, `hash_ids` (of
/// blocks
///   of 512 tokens). What has one stamp is spread evenly over the time to the next.
/// - Azure's CSV: `TIMESTAMP,ContextTokens,GeneratedTokens`.
/// - Calls as logs of OpenAI-compatible APIs have them, a JSON object a line: `created`, `time` or
///   `timestamp` (Unix seconds or ms, or ISO 8601), `usage` with `prompt_tokens` and
///   `completion_tokens` (or these two beside it), and, if it is there, `model`, `user`.
/// - What `tandem job export` writes, a job a line.
/// Read in a stream, at most one line in memory. `invalid_argument` and `not_found` say which line,
/// what is wrong with it and what is expected.
[[nodiscard]] caf::expected<std::unique_ptr<work_source>> open_trace(
    const std::filesystem::path& file, const trace_options& options);

}  // namespace tandem::simulation
