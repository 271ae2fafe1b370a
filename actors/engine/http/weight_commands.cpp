#include "actors/engine/http/weight_commands.hpp"

#include <csignal>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/engine/http/http_status.hpp"
#include "actors/process/run_process.hpp"

namespace tandem {
namespace {

constexpr std::size_t output_bytes_max = 16 * 1024;
constexpr std::size_t version_bytes_max = 256;

std::string filled(std::string word, const weight_target& target) {
  const std::pair<std::string_view, std::string> marks[] = {{"{version}", target.version},
                                                            {"{path}", target.path.string()}};
  // Last is the path, which may hold braces itself.
  for (const auto& [mark, value] : marks)
    for (auto at = word.find(mark); at != std::string::npos;
         at = word.find(mark, at + value.size()))
      word.replace(at, mark.size(), value);
  return word;
}

weight_outcome outcome_of(const process_end& end, const std::string& program, bool is_check) {
  using how = process_end::how;
  weight_outcome out;
  auto shown = one_line(end.output);
  auto said = shown.empty() ? std::string{} : ": " + shown;
  if (end.ended == how::exited && end.code == 0) {
    if (is_check)
      out.version = one_line(end.output.substr(0, end.output.find('\n')), version_bytes_max);
    out.detail = shown;
    if (is_check && out.version.empty()) {
      out.code = errc::engine_failed;
      out.error = "'" + program + "' wrote no version";
    }
    return out;
  }
  out.code = errc::engine_failed;
  out.error = "'" + program + "' ";
  switch (end.ended) {
    case how::not_started:
      out.code = errc::invalid_argument;
      out.error += "cannot be run: " + end.problem;
      break;
    case how::timed_out:
      out.code = errc::deadline_exceeded;
      out.error += "did not end in time" + said;
      break;
    case how::stopped:
      out.code = errc::cancelled;
      out.error += "was stopped with the engine";
      break;
    case how::killed:
      out.error += "was ended by signal " + std::to_string(end.code) + said;
      break;
    default:
      out.error += "ended with exit code " + std::to_string(end.code) + said;
  }
  return out;
}

void block_pipe_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

weight_commands::weight_commands(weights_config config)
    : config_{std::move(config)}, stop_fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

weight_commands::~weight_commands() {
  static_cast<void>(::eventfd_write(stop_fd_, 1));
  if (thread_.joinable()) thread_.join();
  ::close(stop_fd_);
}

const std::vector<std::string>& weight_commands::command_of(weight_step step) const {
  switch (step) {
    case weight_step::pause:
      return config_.pause;
    case weight_step::load:
      return config_.load;
    case weight_step::flush:
      return config_.flush;
    case weight_step::check:
      return config_.check;
    default:
      return config_.resume;
  }
}

void weight_commands::run(weight_step step, const weight_target& target, report done) {
  const auto& command = command_of(step);
  if (command.empty()) return done({});
  std::vector<std::string> words;
  for (const auto& word : command) words.push_back(filled(word, target));
  // The last one has told its end already.
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread{[this, words = std::move(words), timeout = target.timeout,
                         is_check = step == weight_step::check, done = std::move(done)] {
    block_pipe_signal();
    auto end = run_process(words, {}, timeout, output_bytes_max, stop_fd_, true);
    done(outcome_of(end, words.front(), is_check));
  }};
}

}  // namespace tandem
