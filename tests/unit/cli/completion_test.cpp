#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/cli/help.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;

TEST(Completion, TheCommittedScriptIsTheProgramsOwn) {
  EXPECT_EQ(test::read_text(TANDEM_SOURCE_DIR "/scripts/completion/tandem.bash"), bash_completion())
      << "write it again: tandem completion bash > scripts/completion/tandem.bash";
}

/// What bash offers for the last of `words`, one a line. `more`: of the script, before that.
std::string complete(const std::string& words, const std::string& more = {}) {
  auto script =
      bash_completion() + more + "\nCOMP_WORDS=(" + words +
      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_tandem\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  auto result = test::run({.program = "/bin/bash", .arguments = {"-s"}, .input = script});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(Completion, OffersCommandsOptionsAndValues) {
  EXPECT_EQ(complete("tandem su"), "submit\n");
  EXPECT_EQ(complete("tandem --node h:1 top"), "topology\n");
  EXPECT_EQ(complete("tandem submit --mo"), "--mode\n");
  EXPECT_EQ(complete("tandem submit --mode l"), "large\n");
  EXPECT_EQ(complete("tandem jobs --state can"), "cancelled\n");
  EXPECT_EQ(complete("tandem certs is"), "issue\n");
  EXPECT_EQ(complete("tandem jobs --limit ''"), "\n");
}

TEST(Completion, OffersNamesOfEnginesAndNothingThatAShellWouldRun) {
  const std::string node =
      "tandem() { printf 'ENGINE  KIND\\nsmall-0  sim\\n$(id)  sim\\nsmall;1  sim\\n'; }";
  EXPECT_EQ(complete("tandem engine p"), "probe\n");
  EXPECT_EQ(complete("tandem engine probe ''", node), "small-0\n");
  EXPECT_EQ(complete("tandem engine explain sm", node), "small-0\n");
  EXPECT_EQ(complete("tandem submit probe --mo", node), "--mode\n");
}

TEST(Help, ListsEveryCommandAndExitCode) {
  auto text = overview_text();
  for (const auto* command : all_commands()) {
    EXPECT_THAT(text, HasSubstr("\n  " + std::string{command->name} + ' '));
  }
  for (const char* code :
       {"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\n  4  ", "\n  5  ", "\n  6  ", "\n  130  "}) {
    EXPECT_THAT(text, HasSubstr(code));
  }
}

TEST(Help, OfACommandHasItsOptionsAndExample) {
  for (const auto* command : all_commands()) {
    auto text = command_help(*command);
    for (const auto& option : command->options) {
      EXPECT_THAT(text, HasSubstr("--" + std::string{option.name}));
    }
    EXPECT_THAT(text, HasSubstr("Example:\n  tandem " + std::string{command->name}));
  }
}

}  // namespace
}  // namespace tandem::cli
