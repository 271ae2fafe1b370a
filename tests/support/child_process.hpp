#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace tandem::test {

struct child_options {
  std::filesystem::path program;
  /// Without the program's name.
  std::vector<std::string> arguments;
  /// On top of the test's own environment; an empty value removes the name.
  std::map<std::string, std::string> environment;
  /// What the program reads from stdin, then the end of the file. Above a pipe's size (64 KiB) it
  /// is written by a thread.
  std::string input;
};

/// How a program ended: its exit code, or 128 + the signal that ended it, as shells say it.
using exit_code = int;

/// A program that runs beside the test. Its stdout and stderr are read all the time, so that it
/// never waits for its reader. The kernel kills it when the test dies. Made and destroyed by the
/// test's main thread.
class child_process {
 public:
  explicit child_process(child_options options);
  /// Kills it when it still runs.
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// What came so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  /// stdout and stderr as they came, for a person.
  [[nodiscard]] std::string log() const;

  /// The first whole line of stdout that starts with `prefix`, without its line end; nothing when
  /// the program closes stdout or `limit` passes first.
  [[nodiscard]] std::optional<std::string> wait_line(std::string_view prefix,
                                                     std::chrono::milliseconds limit);
  /// Whether `text` comes on stdout or stderr within `limit`.
  [[nodiscard]] bool wait_text(std::string_view text, std::chrono::milliseconds limit);

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running();
  void signal(int number);
  /// Nothing: it runs on after `limit`.
  [[nodiscard]] std::optional<exit_code> wait(std::chrono::milliseconds limit);
  /// SIGKILL, and waits for its end.
  void kill9();

 private:
  struct stream {
    int fd = -1;
    std::string text;
  };

  void read_streams();
  void write_input(int fd, const std::string& text);
  void reap();

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  std::optional<exit_code> ended_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  stream out_;
  stream err_;
  std::string log_;
  bool closed_ = false;
  std::thread reader_;
  std::thread writer_;
};

struct run_result {
  exit_code code = 0;
  std::string out;
  std::string err;
};

/// Runs a program to its end; kills it at `limit` (code 137).
[[nodiscard]] run_result run(child_options options,
                             std::chrono::milliseconds limit = std::chrono::seconds{30});

}  // namespace tandem::test
