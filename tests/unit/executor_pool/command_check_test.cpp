#include "actors/executor_pool/command_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/temp_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

check_command_config shell(const std::string& script, std::chrono::milliseconds timeout = 30s) {
  return {.name = "lint", .command = {"sh", "-c", script}, .timeout = timeout};
}

std::future<command_verdict> start(command_runner& runner, const check_command_config& check,
                                   std::string_view output = "out") {
  auto answer = std::make_shared<std::promise<command_verdict>>();
  auto future = answer->get_future();
  auto refused = runner.run(check, "kind", "prompt", output, [answer](command_verdict verdict) {
    answer->set_value(std::move(verdict));
  });
  EXPECT_FALSE(refused) << message_of(refused);
  return future;
}

command_verdict verdict_of(const std::string& script, std::string_view output = "out") {
  command_runner runner{1};
  return start(runner, shell(script), output).get();
}

std::size_t open_files() {
  std::size_t seen = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
    ++seen;
  return seen;
}

/// A named pipe: opening one end waits for the other, so that tests wait on a program without
/// sleeping.
class meeting_point {
 public:
  meeting_point() { EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0); }
  [[nodiscard]] std::string path() const { return path_.string(); }
  /// What a program writes there.
  [[nodiscard]] std::string line() const {
    std::ifstream pipe{path_};
    std::string line;
    std::getline(pipe, line);
    return line;
  }

 private:
  test::temp_folder folder_;
  std::filesystem::path path_ = folder_.path() / "pipe";
};

bool is_alive(pid_t pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string number;
  std::string name;
  std::string state;
  return static_cast<bool>(stat >> number >> name >> state) && state != "Z" && state != "X";
}

/// Killed processes go away soon, not at once.
bool is_gone(pid_t pid) {
  for (int i = 0; i < 1'000'000; ++i) {
    if (!is_alive(pid)) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(command_check, ExitCodesDecide) {
  EXPECT_TRUE(verdict_of("exit 0").fits);
  auto refused = verdict_of("echo '  too long '; exit 1");
  EXPECT_FALSE(refused.fits);
  EXPECT_EQ(refused.misfit, "too long");
  EXPECT_EQ(refused.broken, "");
  EXPECT_THAT(verdict_of("exit 1").misfit, HasSubstr("without a reason"));
  for (auto script : {"exit 2", "exit 127"}) {
    auto broken = verdict_of(script);
    EXPECT_FALSE(broken.fits);
    EXPECT_EQ(broken.misfit, "");
    EXPECT_THAT(broken.broken, HasSubstr("'lint': exit code"));
  }
  EXPECT_THAT(verdict_of("kill -TERM $$").broken, HasSubstr("signal 15"));
}

TEST(command_check, GetsItsInputAsJson) {
  EXPECT_EQ(verdict_of("cat; exit 1", "a \"b\"\n\xff").misfit,
            R"({"kind":"kind","output":"a \"b\"\n)"
            "\xEF\xBF\xBD"
            R"(","prompt":"prompt"})");
}

TEST(command_check, CommandsThatCannotStartAreBroken) {
  command_runner runner{1};
  auto broken = start(runner, {.name = "x", .command = {"/no/such/program"}}).get();
  EXPECT_THAT(broken.broken, HasSubstr("cannot be run"));
  EXPECT_THAT(start(runner, {.name = "x", .command = {}}).get().broken, HasSubstr("no command"));
}

TEST(command_check, LargeInputsAndOutputsPass) {
  std::string large(4 << 20, 'x');
  EXPECT_TRUE(verdict_of("cat >/dev/null", large).fits);
  EXPECT_TRUE(verdict_of("exit 0", large).fits) << "it need not read";
  auto chatty = verdict_of("head -c 3000000 /dev/zero | tr '\\0' y; exit 1");
  EXPECT_EQ(chatty.misfit, std::string(500, 'y'));
  EXPECT_TRUE(verdict_of("head -c 3000000 /dev/zero >&2").fits);
}

TEST(command_check, ReasonsAreUtf8) {
  EXPECT_EQ(verdict_of("printf '\\377a'; exit 1").misfit,
            "\xEF\xBF\xBD"
            "a");
}

TEST(command_check, CommandsOutOfTimeAreKilledWithTheirChildren) {
  meeting_point here;
  command_runner runner{1};
  auto verdict = start(runner, shell("sleep 600 & echo $! >" + here.path() + "; wait", 300ms));
  auto pid = std::stoi(here.line());
  EXPECT_THAT(verdict.get().broken, HasSubstr("no answer within 300 ms"));
  EXPECT_TRUE(is_gone(pid));
}

TEST(command_check, WhatACommandLeavesBehindIsKilledAndNotWaitedFor) {
  meeting_point here;
  command_runner runner{1};
  auto verdict = start(runner, shell("sleep 600 & echo $! >" + here.path() + "; exit 0"));
  auto pid = std::stoi(here.line());
  EXPECT_TRUE(verdict.get().fits);
  EXPECT_TRUE(is_gone(pid));
}

TEST(command_check, DestroyingTheRunnerEndsAllAndAnswersAll) {
  meeting_point here;
  std::vector<std::future<command_verdict>> verdicts;
  pid_t pid = 0;
  {
    command_runner runner{1};
    verdicts.push_back(start(runner, shell("echo $$ >" + here.path() + "; sleep 600")));
    pid = std::stoi(here.line());
    for (int i = 0; i < 20; ++i) verdicts.push_back(start(runner, shell("sleep 600")));
  }
  for (auto& verdict : verdicts) EXPECT_THAT(verdict.get().broken, HasSubstr("stopping"));
  EXPECT_TRUE(is_gone(pid));
}

TEST(command_check, AtMostSoManyRunAtOnce) {
  meeting_point a;
  meeting_point b;
  auto proof = b.path() + ".ran";
  command_runner runner{2};
  auto first = start(runner, shell("cat <" + a.path()));
  auto second = start(runner, shell("cat <" + b.path()));
  auto third = start(runner, shell("touch " + proof));
  // Each opens once its reader runs, and holds it until closed.
  std::ofstream gate_a{a.path()};
  std::ofstream gate_b{b.path()};
  EXPECT_FALSE(std::filesystem::exists(proof));
  gate_a.close();
  EXPECT_TRUE(third.get().fits);
  EXPECT_TRUE(std::filesystem::exists(proof));
  gate_b.close();
  EXPECT_TRUE(first.get().fits);
  EXPECT_TRUE(second.get().fits);
}

TEST(command_check, RefusesMoreThanTheQueueHolds) {
  auto answered = std::make_shared<std::atomic<std::size_t>>(0);
  std::size_t accepted = 0;
  {
    meeting_point here;
    command_runner runner{1};
    auto first = start(runner, shell("echo $$ >" + here.path() + "; sleep 600"));
    static_cast<void>(here.line());
    auto count = [answered](const command_verdict&) { ++*answered; };
    caf::error refused;
    while (!(refused = runner.run(shell("exit 0"), "", "", "", count))) ++accepted;
    EXPECT_EQ(code_of(refused), errc::overloaded);
    EXPECT_EQ(accepted, command_runner::queue_max);
    std::string huge(command_runner::queue_bytes_max, 'x');
    EXPECT_TRUE(runner.run(shell("exit 0"), "", "", huge, count));
  }
  EXPECT_EQ(*answered, accepted) << "each once, and none that was refused";
}

TEST(command_check, LeavesNoFilesAndNoZombies) {
  auto before = open_files();
  {
    command_runner runner{4};
    std::vector<std::future<command_verdict>> verdicts;
    for (int i = 0; i < 40; ++i)
      verdicts.push_back(start(runner, i % 3 == 0 ? check_command_config{.command = {"/none"}}
                                                  : shell("exit " + std::to_string(i % 3))));
    for (auto& verdict : verdicts) verdict.wait();
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(command_check, ChildrenInheritNoFilesAndNoBlockedSignals) {
  auto files = verdict_of("ls /proc/self/fd | wc -l | tr -d ' '; exit 1").misfit;
  EXPECT_LE(std::stoi(files), 4) << "its three, and the folder that ls reads";
  EXPECT_THAT(verdict_of("grep SigBlk /proc/self/status; exit 1").misfit,
              HasSubstr("0000000000000000"));
}

}  // namespace
}  // namespace tandem
