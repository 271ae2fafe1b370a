#include "tests/unit/storage/crash_child.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/fault_file_system.hpp"

namespace tandem::storage {

namespace {

constexpr std::string_view child_flag = "--crash-child";
constexpr int child_arguments = 8;

}  // namespace

std::string crash_record(std::uint64_t job, std::size_t record_bytes) {
  auto text = "record of job " + std::to_string(job) + " ";
  while (text.size() < record_bytes)
    text.push_back(static_cast<char>('a' + text.size() * job % 26));
  return text;
}

bool is_crash_child(int argc, char** argv) {
  return argc == child_arguments && argv[1] == child_flag;
}

int run_crash_child(char** argv) {
  journal_options options;
  options.folder = argv[2];
  const auto level = static_cast<durability>(std::atoi(argv[3]));
  if (std::atoi(argv[4]) != 0) options.file_system = make_hold_unsynced_file_system();
  const auto commits = std::strtoull(argv[5], nullptr, 10);
  const auto record_bytes = std::strtoull(argv[6], nullptr, 10);
  options.memory_bytes_max = std::strtoull(argv[7], nullptr, 10);
  auto opened = journal::open(options);
  if (!opened) return 2;
  for (std::uint64_t job = 1; job <= commits; ++job) {
    const auto record = crash_record(job, record_bytes);
    journal_batch batch;
    batch.put_record(job, 1, std::as_bytes(std::span(record.data(), record.size())));
    batch.put_summary(job, std::as_bytes(std::span(record.data(), 8)));
    batch.open_job(job);
    const journal_batch* all[] = {&batch};
    if ((*opened)->commit(all, level)) return 3;
    if (::write(STDOUT_FILENO, &job, sizeof(job)) != sizeof(job)) return 4;
  }
  std::raise(SIGKILL);
  return 5;
}

std::uint64_t run_until_killed(const crash_plan& plan) {
  const std::array<std::string, child_arguments> arguments = {
      "storage_test",
      std::string(child_flag),
      plan.folder.string(),
      std::to_string(static_cast<int>(plan.level)),
      plan.hold_unsynced ? "1" : "0",
      std::to_string(plan.commits),
      std::to_string(plan.record_bytes),
      std::to_string(plan.memory_bytes_max)};
  std::array<char*, child_arguments + 1> pointers{};
  for (std::size_t i = 0; i < arguments.size(); ++i)
    pointers[i] = const_cast<char*>(arguments[i].c_str());

  int acknowledged[2];
  if (::pipe(acknowledged) != 0) return 0;
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(acknowledged[1], STDOUT_FILENO);
    ::close(acknowledged[0]);
    ::close(acknowledged[1]);
    ::execv("/proc/self/exe", pointers.data());
    ::_exit(127);
  }
  ::close(acknowledged[1]);
  std::uint64_t last = 0;
  for (std::uint64_t job = 0; ::read(acknowledged[0], &job, sizeof(job)) == sizeof(job);)
    last = job;
  ::close(acknowledged[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  return last;
}

}  // namespace tandem::storage
