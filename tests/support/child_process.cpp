#include "tests/support/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::test {
namespace {

using clock = std::chrono::steady_clock;

struct pipe_ends {
  int read = -1;
  int write = -1;
};

pipe_ends make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  return {ends[0], ends[1]};
}

/// Everything that allocates happens before the fork: another thread may hold the heap's lock.
struct exec_strings {
  std::vector<std::string> words;
  std::vector<char*> pointers;

  explicit exec_strings(std::vector<std::string> list) : words{std::move(list)} {
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
};

std::vector<std::string> argument_list(const child_options& options) {
  std::vector<std::string> list{options.program.string()};
  list.insert(list.end(), options.arguments.begin(), options.arguments.end());
  return list;
}

std::vector<std::string> environment_list(const child_options& options) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string line{*entry};
    if (!options.environment.contains(line.substr(0, line.find('=')))) list.push_back(line);
  }
  for (const auto& [name, value] : options.environment) {
    if (value.empty()) continue;
    list.push_back(name);
    list.back().append("=").append(value);
  }
  return list;
}

}  // namespace

child_process::child_process(child_options options) {
  exec_strings arguments{argument_list(options)};
  exec_strings environment{environment_list(options)};
  auto input = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(input.read, 0);
    ::dup2(out.write, 1);
    ::dup2(err.write, 2);
    ::execve(arguments.pointers[0], arguments.pointers.data(), environment.pointers.data());
    ::_exit(127);
  }
  ::close(input.read);
  ::close(out.write);
  ::close(err.write);
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  out_.fd = out.read;
  err_.fd = err.read;
  reader_ = std::thread{[this] { read_streams(); }};
  writer_ = std::thread{
      [this, fd = input.write, text = std::move(options.input)] { write_input(fd, text); }};
}

child_process::~child_process() {
  kill9();
  writer_.join();
  reader_.join();
  if (pid_fd_ >= 0) ::close(pid_fd_);
}

void child_process::write_input(int fd, const std::string& text) {
  // A program that ends before it has read everything is no reason for the test to die.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  std::size_t done = 0;
  while (done < text.size()) {
    auto count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  ::close(fd);
}

void child_process::read_streams() {
  std::array<char, 16384> buffer{};
  while (out_.fd >= 0 || err_.fd >= 0) {
    std::array<pollfd, 2> waits{pollfd{out_.fd, POLLIN, 0}, pollfd{err_.fd, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      auto& from = i == 0 ? out_ : err_;
      if (from.fd < 0 || waits[i].revents == 0) continue;
      auto count = ::read(from.fd, buffer.data(), buffer.size());
      std::lock_guard lock{mutex_};
      if (count > 0) {
        from.text.append(buffer.data(), static_cast<std::size_t>(count));
        log_.append(buffer.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        ::close(from.fd);
        from.fd = -1;
      }
      changed_.notify_all();
    }
  }
  std::lock_guard lock{mutex_};
  closed_ = true;
  changed_.notify_all();
}

std::string child_process::output() const {
  std::lock_guard lock{mutex_};
  return out_.text;
}

std::string child_process::errors() const {
  std::lock_guard lock{mutex_};
  return err_.text;
}

std::string child_process::log() const {
  std::lock_guard lock{mutex_};
  return log_;
}

std::optional<std::string> child_process::wait_line(std::string_view prefix,
                                                    std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  std::optional<std::string> found;
  auto look = [&] {
    std::string_view rest{out_.text};
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (rest.substr(0, end).starts_with(prefix)) {
        found = std::string{rest.substr(0, end)};
        return true;
      }
      rest.remove_prefix(end + 1);
    }
    return closed_;
  };
  changed_.wait_for(lock, limit, look);
  return found;
}

bool child_process::wait_text(std::string_view text, std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  auto has_it = [&] {
    return out_.text.find(text) != std::string::npos || err_.text.find(text) != std::string::npos;
  };
  changed_.wait_for(lock, limit, [&] { return has_it() || closed_; });
  return has_it();
}

void child_process::reap() {
  int status = 0;
  if (ended_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_process::is_running() {
  reap();
  return !ended_;
}

void child_process::signal(int number) {
  if (is_running()) ::kill(pid_, number);
}

std::optional<exit_code> child_process::wait(std::chrono::milliseconds limit) {
  auto end = clock::now() + limit;
  for (reap(); !ended_; reap()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd exited{pid_fd_, POLLIN, 0};
    ::poll(&exited, 1, static_cast<int>(left.count()));
  }
  // What it wrote last is read before anybody looks; a grandchild may hold the pipes open, so not
  // for ever.
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, std::chrono::seconds{5}, [this] { return closed_; });
  return ended_;
}

void child_process::kill9() {
  signal(SIGKILL);
  (void)wait(std::chrono::seconds{30});
}

run_result run(child_options options, std::chrono::milliseconds limit) {
  child_process child{std::move(options)};
  auto code = child.wait(limit);
  if (!code) {
    child.kill9();
    code = 128 + SIGKILL;
  }
  return {.code = *code, .out = child.output(), .err = child.errors()};
}

}  // namespace tandem::test
