#include "config/engine_changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/flags.hpp"
#include "config/load.hpp"
#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr auto base = R"([[model]]
name = "big"
tier = "large"
[[model]]
name = "tiny"
tier = "small"
[[engine]]
name = "big-1"
kind = "sim"
model = "big"
[[engine]]
name = "tiny-1"
kind = "sim"
model = "tiny"
[engine.sim]
seed = 7
)";

constexpr auto more = R"([[engine]]
name = "tiny-2"
kind = "http"
model = "tiny"
concurrency = 3
[engine.http]
url = "http://127.0.0.1:8000"
api_key_env = "A_KEY"
)";

class EngineChanges : public ::testing::Test {
 protected:
  EngineChanges() { folder_.write("node.toml", base); }

  /// As tandem-node would start.
  caf::expected<node_config> start() {
    auto file = (folder_ / "node.toml").string();
    auto data = (folder_ / "data").string();
    std::vector<const char*> arguments{"--config", file.c_str(), "--data", data.c_str()};
    auto options = parse_flags(arguments, "/nowhere/tandem-node");
    if (!options) return std::move(options.error());
    return options->config;
  }
  node_config started() {
    auto config = start();
    if (!config) throw std::runtime_error(message_of(config.error()));
    return std::move(*config);
  }
  static std::vector<std::string> names(const node_config& config) {
    std::vector<std::string> all;
    for (const auto& engine : config.engines) all.push_back(engine.name);
    return all;
  }
  void keep(const engine_changes& changes) {
    std::filesystem::create_directories(folder_ / "data");
    std::filesystem::permissions(folder_ / "data", std::filesystem::perms::owner_all);
    auto err = save_engine_changes(folder_ / "data", changes);
    ASSERT_FALSE(err) << message_of(err);
  }
  std::string problem(std::string_view toml) {
    auto config = started();
    auto read = read_added_engine(config, config.engines, toml);
    return read ? "" : message_of(read.error());
  }

  test::test_folder folder_;
  test::scoped_environment key_{"A_KEY", "secret"};
};

TEST_F(EngineChanges, WithoutAFileTheConfigFileIsAllThereIs) {
  EXPECT_THAT(names(started()), ::testing::ElementsAre("big-1", "tiny-1"));
}

TEST_F(EngineChanges, AnAddedEngineIsThereAfterARestartAsItWas) {
  auto config = started();
  auto read = read_added_engine(config, config.engines, more);
  ASSERT_TRUE(read) << message_of(read.error());
  engine_changes changes;
  note_added(changes, *read);
  keep(changes);
  config = started();
  EXPECT_THAT(names(config), ::testing::ElementsAre("big-1", "tiny-1", "tiny-2"));
  EXPECT_EQ(config.engines[2].http.url, "http://127.0.0.1:8000");
  EXPECT_EQ(config.engines[2].concurrency, 3u);
  EXPECT_EQ(config.engines[1].sim.seed, 7u);
  ASSERT_EQ(config.at_run_time.added.size(), 1u);
  EXPECT_EQ(print_engine_changes(config.at_run_time), print_engine_changes(changes));
  // The key itself is nowhere.
  EXPECT_EQ(test::read_text(folder_ / "data" / "engines.toml").find("secret"), std::string::npos);
}

TEST_F(EngineChanges, ARemovedEngineOfTheConfigFileStaysAway) {
  engine_changes changes;
  note_removed(changes, "big-1");
  keep(changes);
  auto config = started();
  EXPECT_THAT(names(config), ::testing::ElementsAre("tiny-1"));
  EXPECT_EQ(config.engines[0].sim.seed, 7u);
}

TEST_F(EngineChanges, WhatIsWrongWithARemovedEngineIsNobodysProblem) {
  folder_.write("node.toml", std::string{base} +
                                 "[[engine]]\nname = \"gone\"\nkind = \"embedded\"\n"
                                 "model = \"tiny\"\npath = \"no-such-file.gguf\"\n");
  EXPECT_FALSE(start());
  engine_changes changes;
  note_removed(changes, "gone");
  keep(changes);
  EXPECT_THAT(names(started()), ::testing::ElementsAre("big-1", "tiny-1"));
}

TEST_F(EngineChanges, AnEngineOfTheSameNameMayReplaceARemovedOne) {
  engine_changes changes;
  note_removed(changes, "tiny-1");
  note_added(changes, {.name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 9});
  keep(changes);
  auto config = started();
  EXPECT_THAT(names(config), ::testing::ElementsAre("big-1", "tiny-1"));
  EXPECT_EQ(config.engines[1].concurrency, 9u);
  // Removed again, the config file's one does not come back.
  note_removed(changes, "tiny-1");
  keep(changes);
  EXPECT_THAT(names(started()), ::testing::ElementsAre("big-1"));
}

TEST_F(EngineChanges, ADrainedEngineStartsDrained) {
  engine_changes changes;
  note_drained(changes, "tiny-1", true);
  note_drained(changes, "tiny-1", true);
  EXPECT_EQ(changes.drained.size(), 1u);
  keep(changes);
  auto config = started();
  EXPECT_FALSE(config.engines[0].draining);
  EXPECT_TRUE(config.engines[1].draining);
  note_drained(changes, "tiny-1", false);
  EXPECT_TRUE(changes.empty());
}

TEST_F(EngineChanges, AllProblemsOfAnAddedEngineAreToldAtOnce) {
  auto text =
      problem("[[engine]]\nname = \"x y\"\nkind = \"sim\"\nmodel = \"tinny\"\nconcurency = 1\n");
  EXPECT_THAT(text, HasSubstr("engine:"));
  EXPECT_THAT(text, HasSubstr("did you mean 'tiny'?"));
  EXPECT_THAT(text, HasSubstr("did you mean 'concurrency'?"));
  EXPECT_THAT(text, HasSubstr("x y"));
}

TEST_F(EngineChanges, OnlyOneEngineAndNothingElseIsAdded) {
  EXPECT_THAT(problem("[jobs]\ntimeout = \"1h\"\n" + std::string{more}),
              HasSubstr("cannot be set at run time"));
  EXPECT_THAT(problem(""), HasSubstr("there is no [[engine]]"));
  EXPECT_THAT(problem("[[engine"), HasSubstr("this is no TOML"));
  EXPECT_THAT(problem("[[engine]]\nname = \"a\"\nkind = \"sim\"\nmodel = \"tiny\"\n"
                      "[[engine]]\nname = \"b\"\nkind = \"sim\"\nmodel = \"tiny\"\n"),
              HasSubstr("there are 2"));
  EXPECT_THAT(problem("[[engine]]\nname = \"tiny-1\"\nkind = \"sim\"\nmodel = \"tiny\"\n"),
              HasSubstr("there is an engine 'tiny-1' already"));
}

TEST_F(EngineChanges, ANodeWithoutTheRoleRefusesAnEngine) {
  auto config = started();
  config.roles = {"planner"};
  auto read = read_added_engine(config, config.engines, more);
  ASSERT_FALSE(read);
  EXPECT_THAT(message_of(read.error()), HasSubstr("without \"executor\""));
}

TEST_F(EngineChanges, AFileThatIsBrokenKeepsTheNodeFromStartingAndIsNamed) {
  folder_.write("data/engines.toml", "removed = [\n[[engine");
  auto config = start();
  ASSERT_FALSE(config);
  EXPECT_THAT(message_of(config.error()), HasSubstr("engines.toml"));
  EXPECT_THAT(message_of(config.error()), HasSubstr("remove it"));
  folder_.write("data/engines.toml", "[jobs]\ntimeout = \"1h\"\n");
  config = start();
  ASSERT_FALSE(config);
  EXPECT_THAT(message_of(config.error()), HasSubstr("engines.toml:1:"));
}

}  // namespace
}  // namespace tandem
