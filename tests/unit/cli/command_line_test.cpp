#include "nodes/cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/cli/exit_code.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

caf::expected<invocation> parse(std::vector<const char*> words) {
  return parse_command_line(words);
}

std::string usage_problem(std::vector<const char*> words) {
  auto parsed = parse(std::move(words));
  if (parsed) return "parsed";
  EXPECT_EQ(code_of(parsed.error()), errc::invalid_argument);
  return message_of(parsed.error());
}

TEST(CommandLine, TakesOptionsBeforeAndAfterArguments) {
  auto parsed =
      parse({"--node", "h:1", "submit", "--tag", "a", "do", "this", "--tag=b", "--wait", "--json"});
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  EXPECT_EQ(parsed->command->name, "submit");
  EXPECT_THAT(parsed->arguments, ElementsAre("do", "this"));
  EXPECT_THAT(parsed->values("tag"), ElementsAre("a", "b"));
  EXPECT_TRUE(parsed->has("wait"));
  EXPECT_FALSE(parsed->has("follow"));
  EXPECT_TRUE(parsed->wants_json());
  EXPECT_EQ(parsed->global("node"), "h:1");
}

TEST(CommandLine, TimeoutBelongsToWhatItStandsBehind) {
  auto parsed = parse({"--timeout", "5s", "submit", "x", "--timeout", "1min"});
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  EXPECT_EQ(parsed->global("timeout"), "5s");
  EXPECT_EQ(parsed->value("timeout"), "1min");
  auto other = parse({"jobs", "--timeout", "1min"});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->global("timeout"), "1min");
}

TEST(CommandLine, EverythingAfterTwoDashesIsAnArgument) {
  auto parsed = parse({"submit", "--wait", "--", "--not", "-an", "option"});
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  EXPECT_THAT(parsed->arguments, ElementsAre("--not", "-an", "option"));
}

TEST(CommandLine, TakesNegativeNumbersAndASingleDash) {
  auto parsed = parse({"submit", "--priority", "-5", "-"});
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  EXPECT_EQ(parsed->value("priority"), "-5");
  EXPECT_THAT(parsed->arguments, ElementsAre("-"));
}

TEST(CommandLine, NamesTheNearestCommandAndOption) {
  EXPECT_THAT(usage_problem({"sumbit", "x"}), HasSubstr("'sumbit'; did you mean submit?"));
  EXPECT_THAT(usage_problem({"jobs", "--stat", "done"}), HasSubstr("did you mean --state?"));
  EXPECT_THAT(usage_problem({"--nod", "h:1", "jobs"}), HasSubstr("did you mean --node?"));
  EXPECT_THAT(usage_problem({"xyzzyxyzzy"}), HasSubstr("`tandem help` lists them"));
}

TEST(CommandLine, DoesNotTakeAnAbbreviationForAnOption) {
  EXPECT_THAT(usage_problem({"jobs", "--lim", "3"}), HasSubstr("there is no option '--lim'"));
}

TEST(CommandLine, ReportsValuesThatAreMissingUnasked) {
  EXPECT_EQ(usage_problem({"jobs", "--limit"}), "--limit needs a value");
  EXPECT_EQ(usage_problem({"jobs", "--json=yes"}), "--json takes no value");
  EXPECT_EQ(usage_problem({"jobs", "--limit", "1", "--limit", "2"}), "--limit was given 2 times");
}

TEST(CommandLine, ReportsOptionsWithOneDash) {
  EXPECT_THAT(usage_problem({"submit", "-w", "x"}),
              HasSubstr("no option '-w'; options have two dashes"));
}

TEST(CommandLine, CountsArguments) {
  EXPECT_EQ(usage_problem({"job"}), "job needs an argument: ID");
  EXPECT_EQ(usage_problem({"job", "a", "b"}), "job takes ID alone, but got also 'b'");
  EXPECT_EQ(usage_problem({"cost", "a"}), "cost takes no argument, but got 'a'");
}

TEST(CommandLine, HelpNeedsNoArguments) {
  for (const char* word : {"--help", "-h"}) {
    auto parsed = parse({"job", word});
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->wants_help);
    EXPECT_EQ(parsed->command->name, "job");
  }
}

TEST(CommandLine, ShowsNoControlCharactersOfABadWord) {
  EXPECT_THAT(usage_problem({"ev\x1b[31mil"}), testing::Not(HasSubstr("\x1b")));
}

TEST(CommandLine, HintsAtTheCommandsHelp) {
  std::vector<const char*> words{"--json", "jobs", "--stat"};
  EXPECT_EQ(help_hint(words), "see `tandem help jobs`");
  std::vector<const char*> unknown{"foo"};
  EXPECT_EQ(help_hint(unknown), "see `tandem help`");
}

TEST(CommandLine, ReadsNumbersWithinTheirRange) {
  auto parsed = parse({"jobs", "--limit", "17"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(**integer_option(*parsed, "limit", 1, 20), 17);
  EXPECT_FALSE(*integer_option(*parsed, "before", 1, 20));
  auto wrong = integer_option(*parsed, "limit", 1, 10);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(message_of(wrong.error()), "--limit is '17', but must be a number from 1 to 10");
  auto text = parse({"jobs", "--limit", "17x"});
  ASSERT_TRUE(text);
  EXPECT_FALSE(integer_option(*text, "limit", 1, 20));
}

TEST(CommandLine, ReadsScores) {
  for (const char* bad : {"nan", "1.5", "-0.1", "inf", "", "0.5x"}) {
    auto parsed = parse({"feedback", "id", "--score", bad});
    ASSERT_TRUE(parsed) << bad;
    EXPECT_FALSE(number_option(*parsed, "score", 0, 1)) << bad;
  }
  auto parsed = parse({"feedback", "id", "--score", "0.8"});
  ASSERT_TRUE(parsed);
  EXPECT_DOUBLE_EQ(**number_option(*parsed, "score", 0, 1), 0.8);
}

TEST(CommandLine, ReadsDurationsAndExplainsTheirForm) {
  auto parsed = parse({"follow", "id", "--timeout", "5min"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(**duration_option(*parsed, "timeout"), std::chrono::minutes{5});
  for (const char* bad : {"5", "0s", "1us", "-1s", "5 min", ""}) {
    auto wrong = parse({"follow", "id", "--timeout", bad});
    ASSERT_TRUE(wrong) << bad;
    auto duration = duration_option(*wrong, "timeout");
    ASSERT_FALSE(duration) << bad;
    EXPECT_THAT(message_of(duration.error()), HasSubstr("write 250ms, 30s, 5min, 4h or 7d"));
  }
}

TEST(CommandLine, EveryCommandHasASummaryAndAnExample) {
  for (const auto* command : all_commands()) {
    EXPECT_FALSE(command->summary.empty()) << command->name;
    EXPECT_THAT(std::string{command->example}, HasSubstr("tandem " + std::string{command->name}));
    EXPECT_NE(command->run, nullptr) << command->name;
    EXPECT_EQ(find_command(command->name), command);
  }
}

TEST(ExitCode, TellsRefusalsFromLostConnectionsAndTimeouts) {
  EXPECT_EQ(exit_code_of(make_error(errc::unavailable)), exit_code::no_connection);
  EXPECT_EQ(exit_code_of(make_error(errc::not_authenticated)), exit_code::no_connection);
  EXPECT_EQ(exit_code_of(make_error(errc::deadline_exceeded)), exit_code::timeout);
  for (auto code : {errc::invalid_argument, errc::not_found, errc::conflict, errc::overloaded}) {
    EXPECT_EQ(exit_code_of(make_error(code)), exit_code::refused);
  }
}

}  // namespace
}  // namespace tandem::cli
