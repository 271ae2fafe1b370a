#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace tandem {

/// How a server process is run.
struct server_process_spec {
  /// Program (looked for in PATH where it has no slash) and arguments.
  std::vector<std::string> command;
  /// Gets its standard output and error, appended; a file above 16 MiB is moved to `.1` before a
  /// start.
  std::filesystem::path log;
  /// `always`, `on_failure`, `never`: whether it is started again when it ends by itself.
  std::string restart = "always";
  std::chrono::milliseconds restart_pause{500};
  std::chrono::milliseconds restart_pause_max{30'000};
  std::chrono::milliseconds start_timeout{300'000};
  std::chrono::milliseconds stop_timeout{10'000};
};

struct server_process_state {
  /// 0: it does not run.
  pid_t pid = 0;
  std::uint32_t restarts = 0;
  /// Tries to start it, those of replace() included.
  std::uint64_t starts = 0;
  /// The last of them is under way: `pid` and `reason` are not its own yet.
  bool starting = false;
  /// It has ended and is not started again.
  bool given_up = false;
  /// Why it does not run, or was started last.
  std::string reason;
};

/// Starts a server process, starts it again when it ends (after a pause that doubles until it has
/// been ready), and stops it at the end: SIGTERM, then SIGKILL, to its whole process group. It dies
/// with this process, also after kill -9. One thread of its own. Functions are callable from any
/// thread.
class server_process {
 public:
  /// `on_change` is called from the thread when the process has been started or has ended.
  server_process(server_process_spec spec,
                 std::function<void(const server_process_state&)> on_change);
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;
  /// Waits for its end, stop_timeout and a moment at the longest.
  ~server_process();

  [[nodiscard]] server_process_state state() const;
  /// It answers: start_timeout is off, and the pause before a restart starts small again.
  void set_ready();
  /// Stops it (stop_timeout) and starts this instead, also where it was given up; later restarts
  /// are of this. Does not count among the restarts. Returns how often it was started before.
  std::uint64_t replace(std::vector<std::string> command);

 private:
  void run();
  /// Its pid; 0: it could not be started, and the state says why.
  [[nodiscard]] pid_t start(const std::vector<std::string>& command);
  /// Until it ends or is to be stopped; the wait status.
  [[nodiscard]] int wait_for_end(pid_t pid);
  void end_group(pid_t pid);
  void change(const std::function<void(server_process_state&)>& how);
  /// Ends early when it is replaced. False: it is to stop.
  [[nodiscard]] bool pause(std::chrono::milliseconds time);

  const server_process_spec spec_;
  const std::function<void(const server_process_state&)> on_change_;
  /// Readable when the process is to be stopped, for good or to be replaced.
  int stop_fd_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::string> command_;
  bool replaced_ = false;
  bool ready_ = false;
  /// The present one was killed for its start_timeout, which is why it ended.
  bool too_slow_ = false;
  server_process_state state_;
  std::thread thread_;
};

}  // namespace tandem
