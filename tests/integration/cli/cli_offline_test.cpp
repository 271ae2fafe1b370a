// Without a node: bad input, certificates, nobody there.

#include <gmock/gmock.h>

#include "tests/integration/cli/cli_fixture.hpp"

namespace tandem::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(CliOffline, BadCommandLinesEndWithCodeTwoAndSayWhatToDo) {
  const std::vector<std::vector<std::string>> bad{
      {},
      {"sumbit", "x"},
      {"jobs", "--stat", "done"},
      {"jobs", "--state", "finished"},
      {"jobs", "--limit", "0"},
      {"job"},
      {"job", "not-an-id!"},
      {"submit"},
      {"submit", "--mode", "huge", "x"},
      {"submit", "--priority", "101", "x"},
      {"submit", "--timeout", "soon", "x"},
      {"submit", "x", "--file", "y"},
      {"follow", "abcdefgh-1", "--after", "-1"},
      {"feedback", "abcdefgh-1"},
      {"feedback", "abcdefgh-1", "--score", "2"},
      {"purge"},
      {"purge", "abcdefgh-1", "--older-than", "7d"},
      {"purge", "--older-than", "7d"},
      {"topology", "--dot", "--json"},
      {"submit", "--budget-usd", "-1", "x"},
      {"submit", "--budget-usd", "0", "x"},
      {"submit", "--budget-tokens", "0", "x"},
      {"submit", "--check", "numbr", "x"},
      {"submit", "--check", "regex", "x"},
      {"submit", "--check-file", "y", "x"},
      {"engine"},
      {"engine", "prob", "x"},
      {"engine", "probe"},
      {"engine", "explain"},
      {"engine", "list", "x"},
      {"certs", "steal"},
      {"certs", "show", "--node", "127.0.0.1:1"},
      {"certs", "issue"},
      {"completion", "fish"},
      {"help", "nothing"},
      {"jobs", "--node", "nowhere"},
      {"simulate"},
      {"simulate", "config/sim.toml"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--load", "steady"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--load", "poisson", "--trace", "x"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--load", "poisson", "--variant",
       "all_big"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--load", "poisson", "--engines", "small"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--load", "poisson", "--engines",
       "none=2"},
      {"simulate", TANDEM_SOURCE_DIR "/config/embedded.toml", "--load", "poisson"},
      {"simulate", TANDEM_SOURCE_DIR "/config/sim.toml", "--large", "brief:235b", "--load",
       "poisson"},
  };
  for (const auto& arguments : bad) {
    auto result = tandem(arguments);
    auto shown = testing::PrintToString(arguments);
    EXPECT_EQ(result.code, 2) << shown << result.err;
    EXPECT_THAT(result.out, IsEmpty()) << shown;
    EXPECT_THAT(result.err, StartsWith("tandem: ")) << shown;
    EXPECT_GE(lines_of(result.err).size(), 2u) << shown << result.err;
  }
}

TEST(CliOffline, EveryCommandHasHelp) {
  for (const char* command :
       {"submit", "jobs", "job", "result", "follow", "cancel", "pause", "resume", "retry",
        "feedback", "purge", "topology", "engine", "certs", "help", "version", "completion"}) {
    auto help = tandem({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example:\n  tandem "));
    EXPECT_EQ(help.out, tandem({"help", command}).out);
  }
}

TEST(CliOffline, SimulatesAFleetTheSameAtEveryRun) {
  const std::vector<std::string> command{
      "simulate",  TANDEM_SOURCE_DIR "/config/sim.toml",
      "--load",    "poisson,rate=20,requests=300,verified=0.2,jobs=0.1",
      "--variant", "all_large",
      "--json"};
  auto once = tandem(command);
  ASSERT_EQ(once.code, 0) << once.err;
  EXPECT_THAT(once.out, HasSubstr("\"name\":\"configured\""));
  EXPECT_THAT(once.out, HasSubstr("\"name\":\"all_large\""));
  EXPECT_EQ(once.out, tandem(command).out);
}

TEST(CliOffline, SimulatesEnginesOfTheFleetsWithoutAConfig) {
  auto shown = tandem({"simulate", "--large", "qwen3-235b-a22b-fp8=1", "--small", "qwen3-14b-fp8=2",
                       "--load", "poisson,rate=2,requests=100"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("qwen3-14b-fp8"));
}

TEST(CliOffline, HostileWordsDoNotReachTheTerminal) {
  auto result = tandem({"\x1b[2Jjobs"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, testing::Not(HasSubstr("\x1b")));
}

TEST(CliOffline, AGoalThatIsNoTextIsRefusedBeforeConnecting) {
  EXPECT_EQ(tandem({"submit", "-"}, "caf\xe9").code, 2);
  EXPECT_EQ(tandem({"submit", "-"}, "").code, 2);
  auto large = tandem({"submit", "-"}, std::string((16u << 20) + 1, 'a'));
  EXPECT_EQ(large.code, 2);
  EXPECT_THAT(large.err, HasSubstr("larger than 16.0 MiB"));
  EXPECT_EQ(tandem({"submit", "--file", "/nonexistent/goal"}).code, 6);
}

TEST(CliOffline, WithoutCertificatesItSaysWhereTheyWereLookedFor) {
  temp_folder folder;
  auto result = tandem({"jobs", "--data", folder.path().string()});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr((folder.path() / "tls").string()));
  EXPECT_THAT(result.err, HasSubstr("tandem certs"));
}

TEST(CliOffline, AFullDiskIsNoticed) {
  auto result =
      run({.program = "/bin/sh",
           .arguments = {"-c", std::string{TANDEM_BIN_DIR} + "/tandem help > /dev/full"}});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err, HasSubstr("cannot write the output"));
}

TEST(CliOffline, AReaderThatLeavesIsNoError) {
  auto result = run({.program = "/bin/bash",
                     .arguments = {"-c", "set -o pipefail; " + std::string{TANDEM_BIN_DIR} +
                                             "/tandem help | true"}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
}

TEST(CliOffline, VersionIsTextAndJson) {
  EXPECT_THAT(tandem({"version"}).out, StartsWith("tandem "));
  EXPECT_EQ(tandem({"--version"}).out, tandem({"version"}).out);
  EXPECT_EQ(json_document{tandem({"version", "--json"}).out}.text("/name"), "tandem");
}

}  // namespace
}  // namespace tandem::test
