#pragma once

#include <caf/error.hpp>

namespace tandem::cli {

/// What the program's end says; documented in `tandem help`, never changed.
enum class exit_code : int {
  ok = 0,
  /// The job failed or was cancelled (result, follow, submit with --wait or --follow), or a check
  /// of `engine probe` did, or figures given to `assess` contradict each other.
  failed = 1,
  usage = 2,
  /// Nobody answers, or the certificates will not do.
  no_connection = 3,
  /// The node says no; its reason is on stderr.
  refused = 4,
  timeout = 5,
  /// A local file cannot be read, or the output not written.
  local_failure = 6,
  interrupted = 130,
};

/// For an error of the client or the node.
[[nodiscard]] exit_code exit_code_of(const caf::error& err);

}  // namespace tandem::cli
