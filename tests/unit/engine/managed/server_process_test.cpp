#include "actors/engine/managed/server_process.hpp"
#include "tests/support/temp_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include <sys/wait.h>
#include <unistd.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Gone, or dead and not yet reaped by whoever has inherited it.
bool is_dead(pid_t pid) {
  auto stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  auto end = stat.rfind(')');
  return end == std::string::npos || end + 2 >= stat.size() || stat[end + 2] == 'Z' ||
         stat[end + 2] == 'X';
}

template <class Condition>
[[nodiscard]] bool becomes_true(Condition condition) {
  auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class ServerProcess : public ::testing::Test {
 protected:
  [[nodiscard]] server_process_spec shell(const std::string& script) const {
    server_process_spec spec;
    spec.command = {"/bin/sh", "-c", script};
    spec.log = folder_.path() / "logs" / "server.log";
    spec.restart_pause = 1ms;
    spec.restart_pause_max = 4ms;
    spec.stop_timeout = 10s;
    return spec;
  }
  void start(server_process_spec spec) {
    process_ = std::make_unique<server_process>(
        std::move(spec), [this](const server_process_state&) { ++changes_; });
  }
  [[nodiscard]] server_process_state state() const { return process_->state(); }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return folder_.path() / name;
  }
  /// A shell's word for it.
  [[nodiscard]] std::string path(const std::string& name) const {
    return "'" + file(name).string() + "'";
  }
  [[nodiscard]] std::string log() const { return text_of(folder_.path() / "logs" / "server.log"); }
  [[nodiscard]] pid_t pid_in(const std::string& name) const {
    auto text = text_of(file(name));
    return text.empty() || text.back() != '\n' ? 0 : static_cast<pid_t>(std::atoi(text.c_str()));
  }
  [[nodiscard]] std::size_t lines(const std::string& name) const {
    auto text = text_of(file(name));
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  // Outlives the process.
  test::temp_folder folder_;
  std::atomic<int> changes_ = 0;
  std::unique_ptr<server_process> process_;
};

TEST_F(ServerProcess, RunsInAGroupOfItsOwnWithItsOutputInTheLog) {
  start(shell("echo out; echo err >&2; exec sleep 1000"));
  ASSERT_TRUE(becomes_true([&] { return state().pid != 0; }));
  auto pid = state().pid;
  EXPECT_TRUE(becomes_true([&] { return log() == "out\nerr\n"; })) << log();
  EXPECT_EQ(::getpgid(pid), pid);
  EXPECT_EQ(state().restarts, 0u);
  EXPECT_FALSE(state().given_up);
  EXPECT_GE(changes_, 1);
  process_.reset();
  EXPECT_TRUE(is_dead(pid));
}

TEST_F(ServerProcess, IsStartedAgainWhenItEndsAndSaysWhy) {
  start(shell("echo run >> " + path("runs") + "; exit 3"));
  EXPECT_TRUE(becomes_true([&] { return state().restarts >= 3; }));
  EXPECT_GE(lines("runs"), 3u);
  EXPECT_THAT(state().reason, HasSubstr("it ended with exit code 3; its log is '"));
  EXPECT_FALSE(state().given_up);
}

TEST_F(ServerProcess, NamesTheSignalThatKilledIt) {
  start(shell("kill -9 $$"));
  EXPECT_TRUE(becomes_true([&] { return !state().reason.empty(); }));
  EXPECT_THAT(state().reason, HasSubstr("it was killed by signal 9 (Killed)"));
}

TEST_F(ServerProcess, NeverIsNotStartedAgain) {
  auto spec = shell("echo run >> " + path("runs") + "; exit 1");
  spec.restart = "never";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  EXPECT_EQ(lines("runs"), 1u);
  EXPECT_EQ(state().pid, 0);
  EXPECT_THAT(state().reason, HasSubstr("exit code 1"));
}

TEST_F(ServerProcess, OnFailureIsNotStartedAgainAfterAGoodEnd) {
  // Fails twice, then ends well.
  auto spec = shell("echo run >> " + path("runs") + "; test $(wc -l < " + path("runs") + ") -ge 3");
  spec.restart = "on_failure";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  EXPECT_EQ(lines("runs"), 3u);
  EXPECT_EQ(state().restarts, 2u);
  EXPECT_THAT(state().reason, HasSubstr("exit code 0"));
}

TEST_F(ServerProcess, AProgramThatIsNotThereIsNamed) {
  auto spec = shell("");
  spec.command = {"no-such-program-of-tandem", "--port", "1"};
  spec.restart = "never";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  EXPECT_THAT(state().reason, HasSubstr("'no-such-program-of-tandem' cannot be started: No such"));
  EXPECT_THAT(state().reason, HasSubstr("[engine.process] command"));
}

TEST_F(ServerProcess, ALogThatCannotBeWrittenIsNamed) {
  std::ofstream{file("plain")} << "a file";
  auto spec = shell("sleep 1000");
  spec.log = file("plain") / "server.log";
  spec.restart = "never";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  EXPECT_THAT(state().reason, HasSubstr("server.log' cannot be opened"));
  EXPECT_THAT(state().reason, HasSubstr("[engine.process] log"));
}

TEST_F(ServerProcess, OneThatDoesNotBecomeReadyIsKilledAndStartedAgain) {
  auto spec = shell("trap '' TERM; echo $$ >> " + path("runs") + "; while :; do sleep 1000; done");
  spec.start_timeout = 50ms;
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().restarts >= 1 && !state().reason.empty(); }));
  EXPECT_THAT(state().reason, HasSubstr("did not answer within 50 ms (start_timeout)"));
  auto first = static_cast<pid_t>(std::atoi(text_of(file("runs")).c_str()));
  EXPECT_TRUE(first == 0 || is_dead(first));
}

TEST_F(ServerProcess, OneThatEndsByItselfAfterwardsHasThatReason) {
  // The first does not become ready; the others end at once.
  auto spec = shell("test -e " + path("second") + " && exit 5; : > " + path("second") +
                    "; exec sleep 1000");
  spec.start_timeout = 200ms;
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().restarts >= 3; }));
  EXPECT_THAT(state().reason, HasSubstr("exit code 5"));
}

TEST_F(ServerProcess, OneThatIsReadyMayTakeItsTime) {
  // Ends by itself long after its start_timeout.
  auto spec = shell("sleep 2; exit 6");
  spec.start_timeout = 500ms;
  spec.restart = "never";
  start(spec);
  ASSERT_TRUE(becomes_true([&] { return state().pid != 0; }));
  process_->set_ready();
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  EXPECT_THAT(state().reason, HasSubstr("exit code 6"));
}

TEST_F(ServerProcess, ThePauseDoublesUntilItHasBeenReady) {
  auto spec = shell("date +%s%N >> " + path("runs") + "; exit 1");
  spec.restart_pause = 20ms;
  spec.restart_pause_max = 80ms;
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return lines("runs") >= 6; }));
  process_.reset();
  std::ifstream runs{file("runs")};
  std::vector<long long> at;
  for (long long ns = 0; runs >> ns;) at.push_back(ns);
  // Never earlier; how much later is the machine's affair.
  const long long least[] = {20, 40, 80, 80, 80};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_GE(at.at(i + 1) - at.at(i), least[i] * 1'000'000) << i;
}

TEST_F(ServerProcess, IsAskedToEndBeforeItIsKilled) {
  start(shell("trap 'echo bye > " + path("bye") + "; exit 0' TERM; echo ready > " + path("ready") +
              "; while :; do sleep 0.01; done"));
  ASSERT_TRUE(becomes_true([&] { return lines("ready") == 1; }));
  process_.reset();
  EXPECT_EQ(text_of(file("bye")), "bye\n");
}

TEST_F(ServerProcess, OneThatWillNotEndIsKilledWithAllThatItStarted) {
  auto spec = shell("trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > " + file("child").string() +
                    "; while :; do sleep 0.01; done' & while :; do sleep 0.01; done");
  spec.stop_timeout = 100ms;
  start(spec);
  ASSERT_TRUE(becomes_true([&] { return pid_in("child") != 0; }));
  auto pid = state().pid;
  auto child = pid_in("child");
  process_.reset();
  EXPECT_TRUE(is_dead(pid));
  EXPECT_TRUE(becomes_true([&] { return is_dead(child); }));
}

TEST_F(ServerProcess, WhatItLeftBehindEndsWithIt) {
  auto spec = shell("sh -c 'echo $$ > " + file("child").string() +
                    "; while :; do sleep 0.01; done' & while ! test -s " + path("child") +
                    "; do sleep 0.01; done; exit 1");
  spec.restart = "never";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return state().given_up; }));
  auto child = pid_in("child");
  ASSERT_NE(child, 0);
  EXPECT_TRUE(becomes_true([&] { return is_dead(child); }));
}

TEST_F(ServerProcess, StopsWhileItWaitsToStartAgain) {
  auto spec = shell("exit 1");
  spec.restart_pause = 1h;
  spec.restart_pause_max = 1h;
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return !state().reason.empty(); }));
  process_.reset();
}

TEST_F(ServerProcess, ABigLogIsMovedAsideBeforeAStart) {
  auto spec = shell("echo new; exec sleep 1000");
  std::filesystem::create_directories(spec.log.parent_path());
  std::ofstream{spec.log} << "old";
  std::filesystem::resize_file(spec.log, (16u << 20) + 1);
  const auto log_path = spec.log;
  start(spec);
  EXPECT_TRUE(becomes_true([&] {
    std::error_code missing;
    return std::filesystem::file_size(log_path, missing) == 4 && !missing;
  }));
  EXPECT_EQ(log(), "new\n");
  EXPECT_EQ(std::filesystem::file_size(spec.log.string() + ".1"), (16u << 20) + 1);
}

TEST_F(ServerProcess, ASmallLogIsAppendedTo) {
  auto spec = shell("echo new; exec sleep 1000");
  std::filesystem::create_directories(spec.log.parent_path());
  std::ofstream{spec.log} << "old\n";
  start(spec);
  EXPECT_TRUE(becomes_true([&] { return log() == "old\nnew\n"; }));
}

TEST_F(ServerProcess, DiesWithAParentThatIsKilled) {
  auto parent = ::fork();
  if (parent == 0) {
    start(shell("trap '' TERM; echo $$ > " + path("pid") + "; exec sleep 1000"));
    for (;;) ::pause();
  }
  ASSERT_GT(parent, 0);
  EXPECT_TRUE(becomes_true([&] { return pid_in("pid") != 0; }));
  auto server = pid_in("pid");
  EXPECT_FALSE(is_dead(server));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(becomes_true([&] { return is_dead(server); }));
}

TEST_F(ServerProcess, IsReplacedByAnotherCommandWhichLaterRestartsKeep) {
  start(shell("echo first >>" + path("runs") + "; exec sleep 1000"));
  ASSERT_TRUE(becomes_true([&] { return text_of(file("runs")) == "first\n"; }));
  auto first = state().pid;
  auto before =
      process_->replace({"/bin/sh", "-c", "echo second >>" + path("runs") + "; exec sleep 1000"});
  EXPECT_EQ(before, 1u);
  ASSERT_TRUE(becomes_true([&] { return state().starts == 2 && state().pid != 0; }));
  EXPECT_TRUE(is_dead(first));
  EXPECT_EQ(state().restarts, 0u);
  ASSERT_TRUE(becomes_true([&] { return text_of(file("runs")) == "first\nsecond\n"; }));
  ::kill(state().pid, SIGKILL);
  ASSERT_TRUE(becomes_true([&] { return text_of(file("runs")) == "first\nsecond\nsecond\n"; }));
  EXPECT_EQ(state().restarts, 1u);
}

TEST_F(ServerProcess, IsReplacedAlsoWhenItWasGivenUp) {
  auto spec = shell("exit 0");
  spec.restart = "never";
  start(spec);
  ASSERT_TRUE(becomes_true([&] { return state().given_up; }));
  process_->replace({"/bin/sh", "-c", "exec sleep 1000"});
  ASSERT_TRUE(becomes_true([&] { return state().pid != 0; }));
  EXPECT_FALSE(state().given_up);
}

}  // namespace
}  // namespace tandem
