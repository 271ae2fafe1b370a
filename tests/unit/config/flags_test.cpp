#include "config/flags.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using testing::HasSubstr;

class flags : public testing::Test {
 protected:
  flags() {
    file_ = folder_.write("node.toml", test::read_text(TANDEM_SOURCE_DIR "/config/sim.toml"));
  }

  caf::expected<node_options> parse(std::vector<const char*> arguments) {
    return parse_flags(arguments, folder_ / "build/dev/bin/tandem-node");
  }
  caf::expected<node_options> parse_with_file(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"--config", file_.c_str()});
    return parse(arguments);
  }
  std::string problem_of(const std::vector<const char*>& arguments) {
    auto options = parse_with_file(arguments);
    if (options) return {};
    EXPECT_EQ(code_of(options.error()), errc::invalid_argument);
    return message_of(options.error());
  }

  test::test_folder folder_;
  test::scoped_environment unset_{"TANDEM_CONFIG", nullptr};
  std::filesystem::path file_;
};

TEST_F(flags, OverrideTheFile) {
  auto options = parse_with_file({"--data", "/elsewhere", "--listen=[::1]:99", "--name", "beta",
                                  "--log-level", "warn", "--durability", "none", "--set",
                                  "jobs.running_max=7", "--set", "engine.small-1.sim.seed=9"});
  ASSERT_TRUE(options) << message_of(options.error());
  EXPECT_EQ(options->action, node_action::run);
  EXPECT_EQ(options->config_file, file_);
  EXPECT_EQ(options->config.data, "/elsewhere");
  EXPECT_EQ(options->config.tls.folder, "/elsewhere/tls");
  EXPECT_EQ(options->config.listen, (listen_address{"::1", 99}));
  EXPECT_EQ(options->config.name, "beta");
  EXPECT_EQ(options->config.log_level, "warn");
  EXPECT_EQ(options->config.journal.durability, storage::durability::none);
  EXPECT_EQ(options->config.jobs.running_max, 7u);
  EXPECT_EQ(options->config.engines[2].sim.seed, 9u);
}

TEST_F(flags, FindTheDefaultConfigWithoutAFile) {
  auto nothing = parse({});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(code_of(nothing.error()), errc::not_found);
  auto file = folder_.write("config/embedded.toml", test::read_text(file_));
  auto options = parse({});
  ASSERT_TRUE(options) << message_of(options.error());
  EXPECT_EQ(options->config_file, file);
}

TEST_F(flags, NameTheNearestFlagForAnUnknownOne) {
  EXPECT_THAT(problem_of({"--lisen", "127.0.0.1:1"}),
              HasSubstr("there is no flag '--lisen'; did you mean --listen?"));
  EXPECT_THAT(problem_of({"--chek"}), HasSubstr("did you mean --check?"));
}

TEST_F(flags, AreNotGuessedFromAPrefix) {
  EXPECT_THAT(problem_of({"--dur", "none"}), HasSubstr("there is no flag '--dur'"));
}

TEST_F(flags, RefuseWordsWithoutDashesAndMissingValues) {
  EXPECT_THAT(problem_of({"start"}), HasSubstr("flags only"));
  EXPECT_THAT(problem_of({"--listen"}), HasSubstr("listen"));
  EXPECT_THAT(problem_of({"--name", "a", "--name", "b"}), HasSubstr("name"));
}

TEST_F(flags, SayWhichFlagHasAWrongValue) {
  auto text = problem_of({"--listen", "nowhere", "--durability", "maybe", "--log-level", "loud"});
  EXPECT_THAT(text, HasSubstr("--listen: node.listen = \"nowhere\" must be an address"));
  EXPECT_THAT(text, HasSubstr("--durability: journal.durability = \"maybe\" must be sync, os"));
  EXPECT_THAT(text, HasSubstr("--log-level: log.level = \"loud\" must be trace, debug"));
}

TEST_F(flags, CheckNeedsAValidConfig) {
  auto options = parse_with_file({"--check"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, node_action::check);
  EXPECT_FALSE(parse_with_file({"--check", "--set", "jobs.timeout=never"}));
}

TEST_F(flags, HelpAndVersionNeedNoConfig) {
  auto help = parse({"--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->action, node_action::print);
  for (auto part : {"--config FILE", "--set SECTION.KEY=VALUE", "Examples:"}) {
    EXPECT_THAT(help->text, HasSubstr(part));
  }
  auto version = parse({"--version"});
  ASSERT_TRUE(version);
  EXPECT_THAT(version->text, testing::MatchesRegex("tandem-node [0-9]+[.][0-9]+[.][0-9]+\n"));
}

TEST_F(flags, PrintConfigShowsWhatIsInEffect) {
  auto options = parse_with_file({"--print-config", "--set", "jobs.running_max=7"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, node_action::print);
  EXPECT_THAT(options->text, HasSubstr("running_max = 7\n"));
  EXPECT_TRUE(load_config(folder_.write("again.toml", options->text)));
}

}  // namespace
}  // namespace tandem
