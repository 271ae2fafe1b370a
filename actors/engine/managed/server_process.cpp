#include "actors/engine/managed/server_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem {
namespace {

using std::chrono::milliseconds;

constexpr std::uintmax_t log_bytes_max = std::uintmax_t{16} << 20;

std::string describe_end(int status) {
  if (WIFSIGNALED(status))
    return "it was killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
           ::strsignal(WTERMSIG(status)) + ")";
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

int open_log(const std::filesystem::path& log) {
  std::error_code ignored;
  std::filesystem::create_directories(log.parent_path(), ignored);
  if (auto size = std::filesystem::file_size(log, ignored); !ignored && size > log_bytes_max)
    std::filesystem::rename(log, log.string() + ".1", ignored);
  return ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/// In the child, between fork and exec: nothing that is not async-signal-safe.
[[noreturn]] void become(char* const* argv, int log, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before that was set.
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (auto signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::signal(signal, SIG_DFL);
  auto nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvp(argv[0], argv);
  auto why = errno;
  static_cast<void>(!::write(errors, &why, sizeof why));
  ::_exit(127);
}

}  // namespace

server_process::server_process(server_process_spec spec,
                               std::function<void(const server_process_state&)> on_change)
    : spec_{std::move(spec)},
      on_change_{std::move(on_change)},
      stop_fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      command_{spec_.command} {
  thread_ = std::thread{[this] { run(); }};
}

server_process::~server_process() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  static_cast<void>(::eventfd_write(stop_fd_, 1));
  thread_.join();
  ::close(stop_fd_);
}

server_process_state server_process::state() const {
  std::lock_guard lock{mutex_};
  return state_;
}

void server_process::set_ready() {
  std::lock_guard lock{mutex_};
  ready_ = state_.pid != 0;
}

std::uint64_t server_process::replace(std::vector<std::string> command) {
  std::uint64_t before = 0;
  {
    std::lock_guard lock{mutex_};
    command_ = std::move(command);
    replaced_ = true;
    before = state_.starts;
    // Within the lock: written later it would end the new process, which may have begun by then.
    static_cast<void>(::eventfd_write(stop_fd_, 1));
  }
  wake_.notify_all();
  return before;
}

void server_process::change(const std::function<void(server_process_state&)>& how) {
  server_process_state now;
  {
    std::lock_guard lock{mutex_};
    how(state_);
    now = state_;
  }
  on_change_(now);
}

bool server_process::pause(milliseconds time) {
  std::unique_lock lock{mutex_};
  wake_.wait_for(lock, time, [this] { return stopping_ || replaced_; });
  return !stopping_;
}

pid_t server_process::start(const std::vector<std::string>& command) {
  auto fail = [this](std::string why) {
    change([&](server_process_state& state) {
      state.pid = 0;
      state.starting = false;
      state.reason = std::move(why);
    });
    return pid_t{0};
  };
  auto log = open_log(spec_.log);
  if (log < 0)
    return fail("its log file '" + spec_.log.string() + "' cannot be opened: " +
                std::strerror(errno) + "; name another in [engine.process] log");
  int errors[2];
  if (::pipe2(errors, O_CLOEXEC) != 0) {
    ::close(log);
    return fail(std::string{"no pipe: "} + std::strerror(errno));
  }
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0) become(argv.data(), log, errors[1], parent);
  auto fork_error = errno;
  ::close(log);
  ::close(errors[1]);
  int why = 0;
  auto got = pid > 0 ? ::read(errors[0], &why, sizeof why) : 0;
  ::close(errors[0]);
  if (pid < 0) return fail(std::string{"fork: "} + std::strerror(fork_error));
  if (got == sizeof why) {
    ::waitpid(pid, nullptr, 0);
    return fail("'" + command.front() + "' cannot be started: " + std::strerror(why) +
                "; install it, or name another in [engine.process] command");
  }
  change([&](server_process_state& state) {
    state.pid = pid;
    state.starting = false;
  });
  return pid;
}

int server_process::wait_for_end(pid_t pid) {
  auto end = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  auto started = std::chrono::steady_clock::now();
  int status = 0;
  for (;;) {
    auto timeout = -1;
    {
      std::lock_guard lock{mutex_};
      if (!ready_) {
        auto left = std::chrono::ceil<milliseconds>(started + spec_.start_timeout -
                                                    std::chrono::steady_clock::now());
        // Looked at again now and then, since set_ready() wakes nobody.
        timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
        if (left <= milliseconds::zero()) {
          state_.reason = "it did not answer within " +
                          std::to_string(spec_.start_timeout.count()) +
                          " ms (start_timeout); its log is '" + spec_.log.string() + "'";
          too_slow_ = true;
          timeout = -2;
        }
      }
    }
    pollfd watched[] = {{end, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (timeout != -2) ::poll(watched, 2, timeout);
    if (watched[0].revents != 0 || end < 0) {
      ::waitpid(pid, &status, 0);
      break;
    }
    if (watched[1].revents == 0 && timeout != -2) continue;
    ::kill(-pid, timeout == -2 ? SIGKILL : SIGTERM);
    ::kill(pid, timeout == -2 ? SIGKILL : SIGTERM);
    if (::poll(watched, 1, static_cast<int>(spec_.stop_timeout.count())) <= 0) {
      ::kill(-pid, SIGKILL);
      ::kill(pid, SIGKILL);
    }
    ::waitpid(pid, &status, 0);
    break;
  }
  if (end >= 0) ::close(end);
  return status;
}

void server_process::end_group(pid_t pid) {
  // Whatever it has started itself.
  ::kill(-pid, SIGKILL);
}

void server_process::run() {
  auto pause_next = spec_.restart_pause;
  for (auto first = true;; first = false) {
    std::vector<std::string> command;
    {
      std::lock_guard lock{mutex_};
      if (stopping_) return;
      // Whoever wrote it has said what for.
      eventfd_t ignored = 0;
      static_cast<void>(::eventfd_read(stop_fd_, &ignored));
      ready_ = false;
      too_slow_ = false;
      if (replaced_)
        pause_next = spec_.restart_pause;
      else if (!first)
        ++state_.restarts;
      replaced_ = false;
      state_.given_up = false;
      ++state_.starts;
      state_.starting = true;
      command = command_;
    }
    auto failed = true;
    if (auto pid = start(command); pid != 0) {
      auto status = wait_for_end(pid);
      end_group(pid);
      failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
      bool was_ready = false;
      {
        std::lock_guard lock{mutex_};
        if (stopping_) return;
        was_ready = ready_;
      }
      if (was_ready) pause_next = spec_.restart_pause;
      change([&](server_process_state& state) {
        state.pid = 0;
        if (!too_slow_)
          state.reason = describe_end(status) + "; its log is '" + spec_.log.string() + "'";
      });
    }
    if (spec_.restart == "never" || (spec_.restart == "on_failure" && !failed)) {
      auto is_replaced = false;
      change([&](server_process_state& state) { state.given_up = !(is_replaced = replaced_); });
      if (!is_replaced) {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return stopping_ || replaced_; });
        if (stopping_) return;
      }
      continue;
    }
    if (!pause(pause_next)) return;
    pause_next = std::min(pause_next * 2, std::max(spec_.restart_pause, spec_.restart_pause_max));
  }
}

}  // namespace tandem
