#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// How a program ended.
struct process_end {
  enum class how { exited, killed, timed_out, stopped, not_started };
  how ended = how::not_started;
  /// The exit code, or the signal.
  int code = 0;
  /// The beginning of what it wrote.
  std::string output;
  /// Why it was not started.
  std::string problem;
};

/// Starts `command` (looked up in PATH) in a process group of its own, writes `input` to it, reads
/// what it writes, and waits for its end; then kills whatever is left of the group. Ends early when
/// `timeout` has passed or `stop_fd` is readable. Its standard error goes nowhere, or with
/// `keeps_errors` where its output goes. The calling thread must block SIGPIPE.
[[nodiscard]] process_end run_process(const std::vector<std::string>& command,
                                      std::string_view input, std::chrono::milliseconds timeout,
                                      std::size_t output_bytes_max, int stop_fd,
                                      bool keeps_errors = false);

}  // namespace tandem
