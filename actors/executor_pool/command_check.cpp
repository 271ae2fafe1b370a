#include "actors/executor_pool/command_check.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/process/run_process.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t check_reason_bytes_max = 500;
constexpr std::string_view stopping_text = "the node is stopping";

std::string input_for(std::string_view kind, std::string_view prompt, std::string_view output) {
  nlohmann::json input{{"kind", kind}, {"prompt", prompt}, {"output", output}};
  return input.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

command_verdict broken(const check_command_config& check, const std::string& why) {
  return {.broken = "check '" + check.name + "': " + why};
}

/// A thread of the runner takes no signal of the process, and a program that does not read its
/// input must not end the node.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

command_runner::command_runner(std::uint32_t at_once_max)
    : at_once_max_{std::max<std::uint32_t>(at_once_max, 1)},
      stop_fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

command_runner::~command_runner() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  std::uint64_t one = 1;
  [[maybe_unused]] auto wrote = ::write(stop_fd_, &one, sizeof one);
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  if (stop_fd_ >= 0) ::close(stop_fd_);
}

caf::error command_runner::run(const check_command_config& check, std::string_view kind,
                               std::string_view prompt, std::string_view output, callback done) {
  auto overloaded = [&check] {
    return make_error(errc::overloaded, "check '" + check.name +
                                            "': too many commands wait; raise "
                                            "verification.commands_max");
  };
  if (prompt.size() + output.size() >= queue_bytes_max) return overloaded();
  job next{check, input_for(kind, prompt, output), std::move(done)};
  std::lock_guard guard{mutex_};
  if (stopping_) return make_error(errc::unavailable, std::string{stopping_text});
  if (queue_.size() >= queue_max || queue_bytes_ + next.input.size() > queue_bytes_max)
    return overloaded();
  queue_bytes_ += next.input.size();
  queue_.push_back(std::move(next));
  if (idle_ < queue_.size() && threads_.size() < at_once_max_)
    threads_.emplace_back([this] { work(); });
  else
    wake_.notify_one();
  return {};
}

void command_runner::work() {
  block_signals();
  std::unique_lock guard{mutex_};
  while (true) {
    ++idle_;
    wake_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto next = std::move(queue_.front());
    queue_.pop_front();
    queue_bytes_ -= next.input.size();
    auto stopping = stopping_;
    guard.unlock();
    next.done(stopping ? broken(next.check, std::string{stopping_text}) : carry_out(next));
    // What the callback holds must not outlive its call by much.
    next = {};
    guard.lock();
  }
}

command_verdict command_runner::carry_out(const job& next) const {
  using how = process_end::how;
  const auto& check = next.check;
  auto end = run_process(check.command, next.input, check.timeout, stdout_bytes_max, stop_fd_);
  switch (end.ended) {
    case how::not_started:
      return broken(check, "the command cannot be run: " + end.problem);
    case how::stopped:
      return broken(check, std::string{stopping_text});
    case how::timed_out:
      return broken(check, "no answer within " + std::to_string(check.timeout.count()) + " ms");
    case how::killed:
      return broken(check, "the command was ended by signal " + std::to_string(end.code));
    case how::exited:
      break;
  }
  if (end.code == 0) return {.fits = true};
  if (end.code != 1)
    return broken(check, "exit code " + std::to_string(end.code) +
                             "; 0 means that the output fits, 1 that it does not");
  auto reason = valid_utf8(cut(trimmed(end.output), check_reason_bytes_max));
  if (reason.empty()) reason = "check '" + check.name + "' refused it without a reason";
  return {.misfit = reason};
}

}  // namespace tandem
