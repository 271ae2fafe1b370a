#include "actors/process/run_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

// glibc 2.36 forgot to say that it is C.
extern "C" {
#include <sys/pidfd.h>
}

extern char** environ;

namespace tandem {
namespace {

using clock = std::chrono::steady_clock;

class file {
 public:
  file() = default;
  explicit file(int number) : number_{number} {}
  file(file&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  file& operator=(file&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file() { close(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
};

struct pipe_ends {
  file read;
  file write;
  [[nodiscard]] bool open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = file{ends[0]};
    write = file{ends[1]};
    return true;
  }
};

std::string words_of(int error) {
  return std::error_code{error, std::generic_category()}.message();
}

/// The attributes of posix_spawn that make a child independent of this process.
struct spawn_settings {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;

  spawn_settings(int input, int output, bool keeps_errors) {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (keeps_errors)
      posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    else
      posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;
  ~spawn_settings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

/// A started program and the ends of its pipes. Destroying it kills its group and reaps it.
class child {
 public:
  [[nodiscard]] std::string start(const std::vector<std::string>& command, bool keeps_errors);
  ~child() {
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  child() = default;
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// False: its input takes no more.
  bool feed(std::string_view& input);
  /// False: there is nothing more to read for now.
  bool drain(std::string& output, std::size_t bytes_max);
  [[nodiscard]] process_end reap();

  file input;
  file output;
  /// Readable once the program has ended.
  file ended;

 private:
  pid_t pid_ = -1;
};

std::string child::start(const std::vector<std::string>& command, bool keeps_errors) {
  pipe_ends in;
  pipe_ends out;
  if (!in.open() || !out.open()) return "no pipe: " + words_of(errno);
  fcntl(in.write.number(), F_SETFL, O_NONBLOCK);
  fcntl(out.read.number(), F_SETFL, O_NONBLOCK);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  spawn_settings settings{in.read.number(), out.write.number(), keeps_errors};
  auto failed = posix_spawnp(&pid_, arguments[0], &settings.files, &settings.attributes,
                             arguments.data(), environ);
  if (failed != 0) {
    pid_ = -1;
    return words_of(failed);
  }
  ended = file{pidfd_open(pid_, 0)};
  if (!ended.is_open()) return "its end cannot be watched: " + words_of(errno);
  input = std::move(in.write);
  output = std::move(out.read);
  return {};
}

bool child::feed(std::string_view& rest) {
  while (!rest.empty()) {
    auto wrote = ::write(input.number(), rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno == EAGAIN;
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return false;
}

bool child::drain(std::string& into, std::size_t bytes_max) {
  std::array<char, 16 * 1024> buffer{};
  auto got = ::read(output.number(), buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) output.close();
    return false;
  }
  into.append(buffer.data(), std::min(static_cast<std::size_t>(got), bytes_max - into.size()));
  return true;
}

process_end child::reap() {
  // Its number stays taken until it is reaped: the group can still be meant by it.
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFEXITED(status)) return {.ended = process_end::how::exited, .code = WEXITSTATUS(status)};
  return {.ended = process_end::how::killed, .code = WTERMSIG(status)};
}

int poll_ms(clock::time_point until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

process_end run_process(const std::vector<std::string>& command, std::string_view input,
                        std::chrono::milliseconds timeout, std::size_t output_bytes_max,
                        int stop_fd, bool keeps_errors) {
  using how = process_end::how;
  auto until = clock::now() + timeout;
  if (command.empty()) return {.problem = "no command is configured"};
  child program;
  if (auto problem = program.start(command, keeps_errors); !problem.empty())
    return {.problem = problem};
  std::string output;
  while (true) {
    std::array<pollfd, 4> watched{
        pollfd{.fd = program.ended.number(), .events = POLLIN, .revents = 0},
        pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0},
        pollfd{.fd = program.output.number(), .events = POLLIN, .revents = 0},
        pollfd{.fd = program.input.number(), .events = POLLOUT, .revents = 0}};
    auto ready = poll(watched.data(), watched.size(), poll_ms(until));
    if (ready < 0 && errno != EINTR) return {.problem = "poll: " + words_of(errno)};
    if (ready < 0) continue;
    if (watched[1].revents != 0) return {.ended = how::stopped};
    if (watched[3].revents != 0 && !program.feed(input)) program.input.close();
    if (watched[2].revents != 0) program.drain(output, output_bytes_max);
    if (watched[0].revents != 0) break;
    if (clock::now() >= until) return {.ended = how::timed_out, .output = std::move(output)};
  }
  // What it wrote last; a child of its own that still writes is not waited for.
  for (std::size_t rounds = 0; rounds < 64 && program.output.is_open(); ++rounds)
    if (!program.drain(output, output_bytes_max)) break;
  auto end = program.reap();
  end.output = std::move(output);
  return end;
}

}  // namespace tandem
