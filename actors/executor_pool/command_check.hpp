#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <caf/error.hpp>

#include "actors/executor_pool/executor_pool_config.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// What a user's command said of an output.
struct command_verdict {
  bool fits = false;
  /// Why it does not fit, as the command said on standard output.
  std::string misfit;
  /// Why there is no verdict: not startable, out of time, killed, another exit code; empty: there
  /// is one.
  std::string broken;
};

/// Runs the programs of `[[check]]` on threads of its own, at most so many at once; more wait in a
/// bounded queue. Each runs in a process group of its own, which is killed when its time is up,
/// when it ends, and when the runner is destroyed; it inherits no file but its three, and no
/// blocked signal. Standard error goes nowhere; of standard output the first 64 KiB count. Threads
/// start with the first command. run() may be called from any thread.
class command_runner {
 public:
  static constexpr std::size_t queue_max = 1024;
  static constexpr std::size_t queue_bytes_max = std::size_t{64} << 20;
  static constexpr std::size_t stdout_bytes_max = 64 * 1024;
  using callback = std::function<void(command_verdict)>;

  /// `at_once_max`: at least one.
  explicit command_runner(std::uint32_t at_once_max);
  command_runner(const command_runner&) = delete;
  command_runner& operator=(const command_runner&) = delete;
  /// Kills what runs; whatever has not been answered is answered as broken before this returns. Not
  /// to be called from a callback.
  ~command_runner();

  /// `done` is called exactly once, from one of the runner's threads; not at all when an error
  /// comes back: `overloaded`, the queue is full.
  [[nodiscard]] caf::error run(const check_command_config& check, std::string_view kind,
                               std::string_view prompt, std::string_view output, callback done);

 private:
  struct job {
    check_command_config check;
    std::string input;
    callback done;
  };

  void work();
  [[nodiscard]] command_verdict carry_out(const job& next) const;

  std::size_t at_once_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  /// Readable once the runner stops.
  int stop_fd_ = -1;
  std::vector<std::thread> threads_;
};

}  // namespace tandem
