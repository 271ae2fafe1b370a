#include "config/node_config.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

node_config valid_config() {
  node_config config;
  config.name = "alpha";
  config.data = "/somewhere";
  config.models.push_back({.name = "big", .tier = "large"});
  config.models.push_back({.name = "tiny", .tier = "small"});
  config.engines.push_back({.name = "big-0", .kind = "sim", .model = "big"});
  config.resolve();
  return config;
}

/// The one problem of `config` with `key`; empty when there is none or another besides.
std::string only_problem(const node_config& config, const std::string& key) {
  auto problems = config.validate();
  EXPECT_EQ(problems.size(), 1u) << to_string(to_error(problems));
  return problems.size() == 1 && problems[0].key == key ? problems[0].text : std::string{};
}

TEST(node_config, HasDefaultsThatNeedOnlyModelsAndEngines) {
  EXPECT_TRUE(valid_config().validate().empty());
  EXPECT_EQ(to_string(listen_address{}), "127.0.0.1:7420");
}

TEST(node_config, NamesTheNearestModelForAnEngineWithout) {
  auto config = valid_config();
  config.engines[0].model = "bgi";
  EXPECT_EQ(only_problem(config, "engine.0.model"),
            "[[engine]] 'big-0': model = \"bgi\" names no [[model]]; did you mean 'big'?");
}

TEST(node_config, RefusesAnEmbeddedEngineWithoutAFile) {
  auto config = valid_config();
  config.engines[0].kind = "embedded";
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("path is missing"));
  test::test_folder folder;
  config.engines[0].path = folder / "none.gguf";
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("does not exist"));
  config.engines[0].path = folder.path();
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("is no file"));
  config.engines[0].path = folder.write("a.gguf", "x");
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, RefusesAPlannerWithoutALargeModel) {
  auto config = valid_config();
  config.models[0].tier = "lagre";
  EXPECT_THAT(only_problem(config, "routing.large_tier"), HasSubstr("did you mean 'lagre'?"));
  config.roles = {"executor"};
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, RefusesUnknownModelsOfFixedRouting) {
  auto config = valid_config();
  config.routing.policy = "fixed";
  EXPECT_EQ(config.validate().size(), 2u);
  config.routing.plan_model = "big";
  config.routing.step_model = "tny";
  EXPECT_THAT(only_problem(config, "routing.step_model"), HasSubstr("did you mean 'tiny'?"));
  config.routing.step_model = "tiny";
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, RefusesNamesThatAreTakenTwice) {
  auto config = valid_config();
  config.engines.push_back(config.engines[0]);
  EXPECT_THAT(only_problem(config, "engine.1.name"), HasSubstr("is taken by another"));
  config = valid_config();
  config.models.push_back(config.models[0]);
  EXPECT_THAT(only_problem(config, "model.2.name"), HasSubstr("is taken by another"));
}

TEST(node_config, RefusesNumbersOutOfRangeThatCodeMayHaveSet) {
  auto config = valid_config();
  config.jobs.running_max = 0;
  EXPECT_EQ(only_problem(config, "jobs.running_max"),
            "jobs.running_max = 0 must be a whole number from 1 to 1000000");
  config = valid_config();
  config.models[1].output_price = -1;
  EXPECT_THAT(only_problem(config, "model.1.output_price"),
              HasSubstr("[[model]] 'tiny': output_price = -1.0 must be a number from 0.0"));
  config = valid_config();
  config.engines[0].sim.error_rate = 1.5;
  EXPECT_THAT(only_problem(config, "engine.0.sim.error_rate"), HasSubstr("from 0.0 to 1.0"));
}

TEST(node_config, RefusesLimitsThatContradictEachOther) {
  auto config = valid_config();
  config.jobs.timeout = 48h;
  EXPECT_THAT(only_problem(config, "jobs.timeout"),
              HasSubstr("jobs.timeout = \"2d\" is above jobs.timeout_max = \"1d\""));
  config = valid_config();
  config.supervisor.backoff = 10s;
  EXPECT_THAT(only_problem(config, "supervisor.backoff"), HasSubstr("backoff_max"));
  config = valid_config();
  config.jobs.plan_bytes_max = 1024;
  EXPECT_THAT(only_problem(config, "jobs.step_bytes_max"), HasSubstr("plan_bytes_max"));
}

TEST(node_config, RefusesAnExecutorWithoutEngines) {
  auto config = valid_config();
  config.engines.clear();
  EXPECT_THAT(only_problem(config, "engine"), HasSubstr("add an engine or remove the role"));
  config.roles = {"planner"};
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, RefusesAPlanPromptWithoutTheGoal) {
  auto config = valid_config();
  config.models[0].plan_prompt = "Plan!";
  EXPECT_THAT(only_problem(config, "model.0.plan_prompt"), HasSubstr("{{goal}}"));
}

TEST(node_config, RefusesUnknownAndRepeatedRoles) {
  auto config = valid_config();
  config.roles = {"planner", "gardener"};
  EXPECT_THAT(only_problem(config, "node.roles"), HasSubstr("planner or executor"));
  config.roles = {"planner", "planner"};
  EXPECT_THAT(only_problem(config, "node.roles"), HasSubstr("planner or executor"));
  config.roles = {};
  EXPECT_THAT(only_problem(config, "node.roles"), HasSubstr("leaves nothing to do"));
}

TEST(node_config, RefusesMoreEnginesThanItsLimit) {
  auto config = valid_config();
  config.engines.resize(engines_max + 1, config.engines[0]);
  EXPECT_THAT(only_problem(config, "engine"), HasSubstr("at most 1024"));
}

TEST(resolve, PutsTheDataFolderWhereXdgSays) {
  test::scoped_environment state{"XDG_STATE_HOME", "/var/state"};
  node_config config;
  config.resolve();
  EXPECT_EQ(config.data, "/var/state/tandem");
  EXPECT_EQ(config.tls.folder, "/var/state/tandem/tls");
  EXPECT_FALSE(config.name.empty());
}

TEST(resolve, FallsBackToTheHomeFolder) {
  test::scoped_environment state{"XDG_STATE_HOME", nullptr};
  test::scoped_environment home{"HOME", "/home/somebody"};
  EXPECT_EQ(default_data_folder(), "/home/somebody/.local/state/tandem");
  EXPECT_EQ(expand_home("~/x"), "/home/somebody/x");
  EXPECT_EQ(expand_home("~"), "/home/somebody");
  EXPECT_EQ(expand_home("/a/~/x"), "/a/~/x");
}

TEST(address, ReadsHostsAndBothKindsOfAddresses) {
  EXPECT_EQ(*parse_address("127.0.0.1:7420"), (listen_address{"127.0.0.1", 7420}));
  EXPECT_EQ(*parse_address("[::1]:0"), (listen_address{"::1", 0}));
  EXPECT_EQ(*parse_address("node-1.example:65535"), (listen_address{"node-1.example", 65535}));
  EXPECT_EQ(to_string(*parse_address("[::1]:7420")), "[::1]:7420");
}

TEST(address, RefusesWhatIsNoAddress) {
  for (auto text : {"", ":", "127.0.0.1", "127.0.0.1:", ":7420", "::1:7420", "[::1]", "a:65536",
                    "a:-1", "a:1x", "a b:1", "[]:1", "a:99999999999999999999"}) {
    auto parsed = parse_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(message_of(parsed.error()), HasSubstr("write host:port"));
  }
}

}  // namespace
}  // namespace tandem
