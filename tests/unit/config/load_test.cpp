#include "config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using test::test_folder;
using testing::HasSubstr;
using testing::Not;

/// A valid config without files; what a test adds comes before it.
constexpr auto valid_rest = R"(
[[model]]
name = "big"
tier = "large"
[[model]]
name = "tiny"
tier = "small"
[[engine]]
name = "big-0"
kind = "sim"
model = "big"
[[engine]]
name = "tiny-0"
kind = "sim"
model = "tiny"
)";

caf::expected<node_config> load(const std::string& text) {
  config_loader loader;
  loader.set("node.data", "/somewhere", "test");
  loader.read_text(text, "node.toml", "/etc/tandem");
  return loader.finish();
}

/// The error's text; empty when there is none.
std::string problems_of(const std::string& text) {
  auto config = load(text);
  if (config) return {};
  EXPECT_EQ(code_of(config.error()), errc::invalid_argument);
  return message_of(config.error());
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
}

TEST(load, LoadsTheEmbeddedExample) {
  auto config = load_config(TANDEM_SOURCE_DIR "/config/embedded.toml");
  ASSERT_TRUE(config) << message_of(config.error());
  ASSERT_EQ(config->engines.size(), 2u);
  EXPECT_EQ(config->engines[0].kind, "embedded");
  EXPECT_TRUE(config->engines[0].path.is_absolute());
  ASSERT_EQ(config->models.size(), 2u);
  EXPECT_EQ(config->models[0].tier, "large");
  EXPECT_EQ(config->models[0].plan_system, "plan");
  EXPECT_DOUBLE_EQ(config->models[1].input_price, 0.24);
}

TEST(load, LoadsTheSimulationExample) {
  auto config = load_config(TANDEM_SOURCE_DIR "/config/sim.toml");
  ASSERT_TRUE(config) << message_of(config.error());
  ASSERT_EQ(config->engines.size(), 3u);
  EXPECT_EQ(config->engines[1].sim.first_token, 20ms);
  EXPECT_EQ(config->engines[2].sim.seed, 3u);
  EXPECT_EQ(config->listen.port, 0);
}

TEST(load, LoadsTheClusterExample) {
  auto config = load_config(TANDEM_SOURCE_DIR "/config/cluster.toml");
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->cluster.name, "tandem");
  EXPECT_EQ(config->cluster.gone_after, 3s);
  EXPECT_EQ(config->engines.size(), 2u);
  EXPECT_EQ(config->replication.copies, 1u);
}

TEST(load, LoadsTheManagedExample) {
  auto config = load_config(TANDEM_SOURCE_DIR "/config/llama-server.toml");
  ASSERT_TRUE(config) << message_of(config.error());
  ASSERT_EQ(config->engines.size(), 2u);
  for (const auto& engine : config->engines) {
    EXPECT_EQ(engine.kind, "managed");
    EXPECT_TRUE(std::filesystem::is_regular_file(engine.path)) << engine.path;
    EXPECT_TRUE(engine.process.command.empty());
  }
}

TEST(load, LoadsTheHttpExampleWithoutItsServers) {
  auto file = TANDEM_SOURCE_DIR "/config/http.toml";
  {
    test::scoped_environment unset{"LARGE_MODEL_KEY", nullptr};
    auto without_key = load_config(file);
    ASSERT_FALSE(without_key);
    EXPECT_THAT(
        message_of(without_key.error()),
        HasSubstr("http.api_key_env = \"LARGE_MODEL_KEY\": this environment variable is not "
                  "set"));
    EXPECT_EQ(lines_of(message_of(without_key.error())), 1u);
  }
  test::scoped_environment key{"LARGE_MODEL_KEY", "k"};
  auto config = load_config(file);
  ASSERT_TRUE(config) << message_of(config.error());
  ASSERT_EQ(config->engines.size(), 3u);
  EXPECT_EQ(config->engines[0].http.first_token_timeout, 2min);
  EXPECT_EQ(config->engines[2].breaker.failures, 3u);
  EXPECT_EQ(config->jobs.kinds.at(0).check, "number");
  EXPECT_DOUBLE_EQ(config->executor.tenants.at(0).cost_usd, 50);
  EXPECT_DOUBLE_EQ(config->jobs.budget_usd, 1);
  EXPECT_THAT(config->models[0].plan_system, HasSubstr("\"depends_on\":[]"));
}

TEST(load, PutsEveryKindOfValueWhereItBelongs) {
  auto config = load(std::string{R"(
[node]
name = "alpha"
data = "state"
listen = "[::1]:9000"
threads = 3
roles = ["executor", "planner"]
[log]
level = "debug"
[jobs]
timeout = "5min"
goal_bytes_max = "64KiB"
retention = "30d"
[journal]
durability = "os"
[supervisor]
backoff = "20ms"
)"} + valid_rest);
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->name, "alpha");
  EXPECT_EQ(config->data, "/etc/tandem/state");
  EXPECT_EQ(config->tls.folder, "/etc/tandem/state/tls");
  EXPECT_EQ(config->listen, (listen_address{"::1", 9000}));
  EXPECT_EQ(config->threads, 3u);
  EXPECT_TRUE(config->has_role("planner"));
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->jobs.timeout, 5min);
  EXPECT_EQ(config->jobs.goal_bytes_max, 65'536u);
  EXPECT_EQ(config->jobs.retention, 720h);
  EXPECT_EQ(config->journal.durability, storage::durability::os);
  EXPECT_EQ(config->supervisor.backoff, 20ms);
}

TEST(load, ReadsEngineSectionsAndLists) {
  auto config = load(std::string{valid_rest} + R"(
[[engine]]
name = "web"
kind = "http"
model = "big"
[engine.http]
url = "https://[::1]:8000/v2"
served_model = "org/big model"
constrain_plans = false
response_bytes_max = "1MiB"
rise = 3
[engine.breaker]
pause = "5s"
[[engine]]
name = "own"
kind = "managed"
model = "tiny"
[engine.process]
command = ["serve", "--port", "{port}", "--name", "{model}", "", "--x={\"a\":1}", "--port"]
restart = "on_failure"
[[kind]]
name = "calc"
check = "command"
check_argument = "lint"
hedge = false
[[check]]
name = "lint"
command = ["python3", "-c", "print(1)\n"]
timeout = "2s"
[[tenant]]
name = "a team@example"
tokens = 5000000000
period = "never"
[hedging]
quantile = 0.9
[verification]
judge_share = 0.1
)");
  ASSERT_TRUE(config) << message_of(config.error());
  const auto& web = config->engines.at(2);
  EXPECT_EQ(web.http.url, "https://[::1]:8000/v2");
  EXPECT_FALSE(web.http.constrain_plans);
  EXPECT_EQ(web.http.response_bytes_max, 1u << 20);
  EXPECT_EQ(web.http.rise, 3u);
  EXPECT_EQ(web.breaker.pause, 5s);
  const auto& own = config->engines.at(3);
  ASSERT_EQ(own.process.command.size(), 8u);
  EXPECT_EQ(own.process.command[6], "--x={\"a\":1}");
  EXPECT_EQ(own.process.restart, "on_failure");
  EXPECT_FALSE(config->jobs.kinds.at(0).hedge);
  EXPECT_EQ(config->jobs.kinds[0].small_attempts_max, -1);
  EXPECT_EQ(config->executor.checks.at(0).command.at(2), "print(1)\n");
  EXPECT_EQ(config->executor.checks[0].timeout, 2s);
  EXPECT_EQ(config->executor.tenants.at(0).tokens, 5'000'000'000u);
  EXPECT_DOUBLE_EQ(config->executor.hedging.quantile, 0.9);
  EXPECT_DOUBLE_EQ(config->executor.verification.judge_share, 0.1);
  auto again = load(print_config(*config));
  ASSERT_TRUE(again) << message_of(again.error());
  EXPECT_EQ(print_config(*again), print_config(*config));
}

TEST(load, ReadsCachesByTier) {
  auto config = load(std::string{R"(
[cache]
shards = 2
[cache.large]
ttl = "1h"
[cache.small]
memory = "1MiB"
mem_fraction = 0.25
policy = "semantic_lru"
)"} + valid_rest);
  ASSERT_TRUE(config) << message_of(config.error());
  const auto& cache = config->executor.cache;
  EXPECT_EQ(cache.shards, 2u);
  ASSERT_EQ(cache.tiers.size(), 2u);
  EXPECT_EQ(cache.find_tier("large")->ttl, 1h);
  EXPECT_EQ(cache.find_tier("large")->policy, "semantic_lru");
  EXPECT_EQ(cache.find_tier("small")->ttl, 30min);
  EXPECT_EQ(cache.find_tier("small")->memory_bytes, 1u << 20);
  EXPECT_DOUBLE_EQ(cache.find_tier("small")->mem_fraction, 0.25);
  auto again = load(print_config(*config));
  ASSERT_TRUE(again) << message_of(again.error());
  EXPECT_EQ(print_config(*again), print_config(*config));
}

TEST(load, CachesNothingWithoutATier) {
  auto config = load(valid_rest);
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_TRUE(config->executor.cache.tiers.empty());
}

TEST(load, SaysWhatIsWrongWithACacheOfATier) {
  EXPECT_THAT(problems_of(std::string{"[cache.medium]\n"} + valid_rest),
              HasSubstr("no [[model]] is of tier \"medium\""));
  EXPECT_THAT(problems_of(std::string{"[cache.small]\nttll = \"1h\"\n"} + valid_rest),
              HasSubstr("did you mean 'ttl'"));
  EXPECT_THAT(problems_of(std::string{"[cache.small]\npolicy = \"lru\"\n"} + valid_rest),
              HasSubstr("frequency_lru"));
  EXPECT_THAT(problems_of(std::string{"[cache.small]\nmem_fraction = 1.5\n"} + valid_rest),
              HasSubstr("0.01 to 0.99"));
}

TEST(load, TakesACachesKeyAsAFlag) {
  config_loader loader;
  loader.read_text(valid_rest, "node.toml", "/etc/tandem");
  loader.set("node.data", "/somewhere", "test");
  loader.set("cache.small.ttl", "2h", "--set");
  auto config = loader.finish();
  ASSERT_TRUE(config) << message_of(config.error());
  ASSERT_NE(config->executor.cache.find_tier("small"), nullptr);
  EXPECT_EQ(config->executor.cache.find_tier("small")->ttl, 2h);
}

TEST(load, RefusesSectionsThatTheEnginesKindDoesNotRead) {
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[engine.http]\n"),
              HasSubstr("node.toml:16:1: [[engine]] 'tiny-0': [engine.http] is for engines of kind "
                        "http and managed, but kind = \"sim\""));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[engine.process]\nport = 5\n"),
              HasSubstr("[engine.process] is for engines of kind managed"));
  EXPECT_EQ(problems_of(std::string{valid_rest} + "[engine.breaker]\nfailures = 0\n"), "");
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[engine.weights]\nplace = \"a\"\n"),
              HasSubstr("[engine.weights] is for engines of kind http"));
  auto unknown = problems_of(std::string{valid_rest} +
                             "[[engine]]\nname = \"x\"\nkind = \"htp\"\nmodel = \"big\"\n"
                             "[engine.http]\nurl = \"http://a\"\n");
  EXPECT_EQ(lines_of(unknown), 1u) << unknown;
}

TEST(load, CommandsForWeightsNeedOneThatLoadsAndKnowTwoMarks) {
  auto web = std::string{valid_rest} +
             "[[engine]]\nname = \"web\"\nkind = \"http\"\nmodel = \"big\"\n"
             "[engine.http]\nurl = \"http://a\"\n[engine.weights]\n";
  EXPECT_EQ(problems_of(web + "load = [\"load\", \"{path}\", \"{version}\", \"{\\\"a\\\":1}\"]\n"),
            "");
  EXPECT_THAT(problems_of(web + "flush = [\"flush\"]\n"), HasSubstr("without weights.load"));
  EXPECT_THAT(problems_of(web + "load = [\"load\", \"{port}\"]\n"),
              HasSubstr("only {path} and {version} are replaced"));
}

TEST(load, SaysWhereAnEnginesKeyBelongs) {
  EXPECT_THAT(problems_of(std::string{valid_rest} + "response_bytes_max = \"1MiB\"\n"),
              HasSubstr("in [[engine]]; there is one in [engine.http]"));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[engine.breaker]\npuase = \"1s\"\n"),
              HasSubstr("there is no key 'puase' in [engine.breaker]; did you mean 'pause'?"));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "breaker = 5\n"),
              HasSubstr("write [engine.breaker] and its keys below its [[engine]]"));
}

TEST(load, NamesTheItemOfAKeyThatIsMissing) {
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[[engine]]\nname = \"w\"\nkind = \"http\"\n"
                                                    "model = \"big\"\n"),
              HasSubstr("node.toml:16:1: [[engine]] 'w': http.url is missing"));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[[check]]\nname = \"c\"\n"),
              HasSubstr("node.toml:16:1: [[check]] 'c': command = [] must be a list of a program"));
}

TEST(load, NamesTheNearestKeyForAnUnknownOne) {
  EXPECT_THAT(problems_of(std::string{"[jobs]\nx = 1\ntimeuot = \"5min\"\n"} + valid_rest),
              HasSubstr("node.toml:3:1: there is no key 'timeuot' in [jobs]; did you mean "
                        "'timeout'?"));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "modle = \"big\"\n"),
              HasSubstr("there is no key 'modle' in [[engine]]; did you mean 'model'?"));
  EXPECT_THAT(problems_of(std::string{valid_rest} + "[engine.sim]\nsede = 1\n"),
              HasSubstr("there is no key 'sede' in [engine.sim]; did you mean 'seed'?"));
}

TEST(load, NamesTheNearestSectionForAnUnknownOne) {
  EXPECT_THAT(problems_of(std::string{"[job]\ntimeout = \"5min\"\n"} + valid_rest),
              HasSubstr("node.toml:1:2: there is no section or key 'job'; did you mean 'jobs'?"));
}

TEST(load, SaysWhereAKeyOfAnotherSectionBelongs) {
  EXPECT_THAT(problems_of(std::string{"[node]\ndurability = \"os\"\n"} + valid_rest),
              HasSubstr("there is one in [journal]"));
  EXPECT_THAT(problems_of(std::string{"durability = \"os\"\n"} + valid_rest),
              HasSubstr("it belongs below [journal]"));
}

TEST(load, SaysWhatAWrongTypeShouldBe) {
  auto text = problems_of(std::string{"[node]\nthreads = \"many\"\nname = 5\n[jobs]\n"
                                      "timeout = 5\ngoal_bytes_max = 100\n"} +
                          valid_rest);
  EXPECT_THAT(text, HasSubstr("node.toml:2:11: threads = \"many\" must be a whole number from 0"));
  EXPECT_THAT(text, HasSubstr("node.toml:3:8: name = 5 must be 1 to 63 letters"));
  EXPECT_THAT(text, HasSubstr("node.toml:5:11: timeout = 5 must be a duration such as \"250ms\""));
  EXPECT_THAT(text, HasSubstr("node.toml:6:18: goal_bytes_max = 100 must be a size such as"));
  EXPECT_EQ(lines_of(text), 4u);
}

TEST(load, TellsAllProblemsOfAllKindsAtOnce) {
  auto text =
      problems_of(std::string{"[jobs]\nrunning_max = 0\ntimeuot = \"1s\"\n"
                              "timeout = \"1 hour\"\n[routing]\npolicy = \"cheap\"\n"
                              "engine_policy = \"fastest\"\n"} +
                  valid_rest + "[[engine]]\nname = \"x\"\nkind = \"sim\"\nmodel = \"tny\"\n");
  EXPECT_THAT(text, HasSubstr("timeuot"));
  EXPECT_THAT(text, HasSubstr("1 hour"));
  EXPECT_THAT(text,
              HasSubstr("node.toml:2:15: jobs.running_max = 0 must be a whole number from 1"));
  EXPECT_THAT(text,
              HasSubstr("routing.policy = \"cheap\" must be fixed, cheapest, large_only, cascade"));
  EXPECT_THAT(text, HasSubstr("routing.engine_policy = \"fastest\" must be estimated_ttft, "
                              "cache_aware, cache_or_performance, least_loaded"));
  EXPECT_THAT(text, HasSubstr("names no [[model]]; did you mean 'tiny'?"));
  EXPECT_EQ(lines_of(text), 6u);
}

TEST(load, AsksForDoubleBracketsWhereASectionIsAList) {
  EXPECT_THAT(problems_of("[model]\nname = \"x\"\n"), HasSubstr("write [[model]]"));
  EXPECT_THAT(problems_of("engine = 5\n"), HasSubstr("write [[engine]]"));
  EXPECT_THAT(problems_of(std::string{"jobs = 5\n"} + valid_rest), HasSubstr("write [jobs]"));
}

TEST(load, SaysWhereTextIsNoToml) {
  auto text = problems_of("[node]\nname = \n");
  EXPECT_THAT(text, HasSubstr("node.toml:2:"));
  EXPECT_THAT(text, HasSubstr("this is no TOML"));
  EXPECT_EQ(lines_of(text), 1u);
}

TEST(load, RefusesTextAboveOneMebibyte) {
  EXPECT_EQ(problems_of("#" + std::string(config_bytes_max - 1, 'x') + valid_rest).find("larger"),
            std::string{"node.toml: the config is "}.size());
  auto exactly = std::string{valid_rest};
  exactly += "#" + std::string(config_bytes_max - exactly.size() - 1, 'x');
  EXPECT_EQ(problems_of(exactly), "");
}

TEST(load, RefusesNestingThatWouldOverflowTheStack) {
  std::string key = "a";
  for (int i = 0; i < 400'000; ++i) key += ".a";
  EXPECT_THAT(problems_of(key + " = 1\n"), HasSubstr("more than 16 parts"));
  EXPECT_THAT(problems_of("a = " + std::string(400'000, '[')), HasSubstr("this is no TOML"));
  std::string inline_tables = "a = ";
  for (int i = 0; i < 200'000; ++i) inline_tables += "{a=";
  EXPECT_THAT(problems_of(inline_tables), HasSubstr("this is no TOML"));
}

TEST(load, BoundsTheNumberOfProblemsThatItTells) {
  std::string text = "[jobs]\n";
  for (int i = 0; i < 50'000; ++i) text += "k" + std::to_string(i) + " = 1\n";
  auto problems = problems_of(text);
  EXPECT_LT(lines_of(problems), 100u);
  EXPECT_THAT(problems, HasSubstr("more"));
}

TEST(load, ShowsNoControlCharactersOfAHostileFile) {
  auto text = problems_of(
      std::string{"[jobs]\n\"\\u001b[2J\" = 1\n[log]\nlevel = \"\\u001b[2J\"\n"} + valid_rest);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(lines_of(text), 2u);
}

TEST(load, SaysWhyAFileCannotBeRead) {
  test_folder folder;
  auto missing = load_config(folder / "none.toml");
  ASSERT_FALSE(missing);
  EXPECT_THAT(message_of(missing.error()), HasSubstr("No such file"));
  EXPECT_EQ(lines_of(message_of(missing.error())), 1u);
  auto is_folder = load_config(folder.path());
  ASSERT_FALSE(is_folder);
  EXPECT_THAT(message_of(is_folder.error()), HasSubstr("it is a folder"));
}

TEST(load, StartsEnginePathsAtTheConfigFilesFolder) {
  test_folder folder;
  folder.write("weights/a.gguf", "x");
  auto file = folder.write("node.toml", std::string{valid_rest} +
                                            "[[engine]]\nname = \"e\"\nkind = \"embedded\"\n"
                                            "model = \"big\"\npath = \"weights/a.gguf\"\n");
  auto config = load_config(file);
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->engines[2].path, folder / "weights/a.gguf");
}

TEST(set, OverridesKeysOfEverySection) {
  config_loader loader;
  loader.read_text(valid_rest, "node.toml", "");
  loader.set("jobs.timeout=90s");
  loader.set("routing.policy=large_only");
  loader.set("node.name=7");
  loader.set("node.roles=[\"planner\"]");
  loader.set("model.big.input_price=3");
  loader.set("engine.big-0.concurrency=9");
  loader.set("engine.tiny-0.sim.error_rate=0.5");
  loader.set("model.big.plan_prompt=Plan this: {{goal}} = ?");
  loader.set("engine.tiny-0.breaker.failures=0");
  auto config = loader.finish();
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->jobs.timeout, 90s);
  EXPECT_EQ(config->routing.policy, "large_only");
  EXPECT_EQ(config->name, "7");
  EXPECT_EQ(config->roles, std::vector<std::string>{"planner"});
  EXPECT_DOUBLE_EQ(config->models[0].input_price, 3);
  EXPECT_EQ(config->engines[0].concurrency, 9u);
  EXPECT_DOUBLE_EQ(config->engines[1].sim.error_rate, 0.5);
  EXPECT_EQ(config->models[0].plan_prompt, "Plan this: {{goal}} = ?");
  EXPECT_EQ(config->engines[1].breaker.failures, 0u);
}

TEST(set, ChangesAnEnginesKindAndItsServer) {
  config_loader loader;
  loader.read_text(valid_rest, "node.toml", "");
  loader.set("engine.big-0.kind=http");
  loader.set("engine.big-0.http.url=http://127.0.0.1:1234");
  auto config = loader.finish();
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->engines[0].http.url, "http://127.0.0.1:1234");
  loader.set("engine.tiny-0.http.url=http://127.0.0.1:1234");
  auto wrong = loader.finish();
  ASSERT_FALSE(wrong);
  EXPECT_THAT(message_of(wrong.error()), HasSubstr("--set: [[engine]] 'tiny-0': [engine.http] is"));
}

TEST(set, FindsAnEngineWhoseNameHasDots) {
  config_loader loader;
  loader.read_text(
      std::string{valid_rest} + "[[engine]]\nname = \"big-0.b\"\nkind = \"sim\"\nmodel = \"big\"\n",
      "node.toml", "");
  loader.set("engine.big-0.b.concurrency=9");
  auto config = loader.finish();
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->engines[2].concurrency, 9u);
}

TEST(set, MendsWhatTheFileHadWrong) {
  config_loader loader;
  loader.read_text(std::string{"[jobs]\ntimeout = 5\n"} + valid_rest, "node.toml", "");
  loader.set("jobs.timeout=5s");
  auto config = loader.finish();
  ASSERT_TRUE(config) << message_of(config.error());
  EXPECT_EQ(config->jobs.timeout, 5s);
}

TEST(set, SaysWhatIsWrongWithAnAssignment) {
  config_loader loader;
  loader.read_text(valid_rest, "node.toml", "");
  loader.set("jobs.timeout");
  loader.set("job.timeout=5s");
  loader.set("jobs.timeuot=5s");
  loader.set("jobs.timeout=5");
  loader.set("engine.big-1.concurrency=5");
  loader.set("jobs=5");
  loader.set("jobs.running_max=0");
  auto config = loader.finish();
  ASSERT_FALSE(config);
  auto text = message_of(config.error());
  EXPECT_THAT(text, HasSubstr("--set 'jobs.timeout' has no value"));
  EXPECT_THAT(text, HasSubstr("there is no section 'job'; did you mean 'jobs'?"));
  EXPECT_THAT(text, HasSubstr("there is no key 'timeuot' in 'jobs'; did you mean 'timeout'?"));
  EXPECT_THAT(text, HasSubstr("jobs.timeout = 5 must be a duration"));
  EXPECT_THAT(text, HasSubstr("names no [[engine]]; did you mean 'big-0'?"));
  EXPECT_THAT(text, HasSubstr("'jobs' is a section; write one of its keys behind a dot"));
  EXPECT_THAT(text, HasSubstr("--set: jobs.running_max = 0 must be a whole number"));
  EXPECT_EQ(lines_of(text), 7u);
}

TEST(print, LoadsAsTheSameConfiguration) {
  auto config = load(std::string{R"(
[node]
listen = "[::1]:9000"
[jobs]
timeout = "1234ms"
[tls]
hosts = ["a.example", "10.0.0.1"]
)"} + valid_rest + "[engine.sim]\nfirst_token = \"15ms\"\nerror_rate = 0.125\n");
  ASSERT_TRUE(config) << message_of(config.error());
  config->models[0].plan_system = "say \"plan\"\n\tback\\slash \x01 \xc3\xa9";
  auto text = print_config(*config);
  auto again = load(text);
  ASSERT_TRUE(again) << message_of(again.error()) << "\n" << text;
  EXPECT_EQ(print_config(*again), text);
  EXPECT_EQ(again->models[0].plan_system, config->models[0].plan_system);
  EXPECT_EQ(again->engines[1].sim.first_token, 15ms);
  EXPECT_EQ(again->listen.port, 9000);
  EXPECT_EQ(again->tls.hosts.size(), 2u);
  EXPECT_EQ(again->jobs.timeout, 1234ms);
}

TEST(print, ExplainsEveryKeyInTheReference) {
  auto text = print_config_reference();
  EXPECT_THAT(text, HasSubstr("# Steps of one plan.\nsteps_max = 256\n"));
  for (auto part : {"[engine.sim]\n", "[engine.http]\n", "[engine.process]\n", "[engine.breaker]\n",
                    "# [engine.replay]\n", "[[kind]]\n", "[[check]]\n", "[[tenant]]\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\n\n\n")));
  std::istringstream lines{text};
  std::string line;
  std::string before;
  while (std::getline(lines, line)) {
    if (line.find(" = ") != std::string::npos && !line.starts_with("#")) {
      EXPECT_TRUE(before.starts_with("# ")) << line;
    }
    before = line;
  }
  EXPECT_TRUE(load(text)) << problems_of(text);
}

TEST(default_config, IsFoundByTheEnvironmentFirst) {
  test_folder folder;
  test::scoped_environment named{"TANDEM_CONFIG", "/etc/tandem/mine.toml"};
  folder.write("prefix/share/tandem/config/embedded.toml", "");
  EXPECT_EQ(*find_default_config(folder / "prefix/bin/tandem-node"), "/etc/tandem/mine.toml");
}

TEST(default_config, IsFoundInstalledThenInTheSourceTree) {
  test_folder folder;
  test::scoped_environment unset{"TANDEM_CONFIG", nullptr};
  auto program = folder / "build/dev/bin/tandem-node";
  auto nowhere = find_default_config(program);
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(message_of(nowhere.error()), HasSubstr("--config"));
  auto in_source = folder.write("config/embedded.toml", "");
  EXPECT_EQ(*find_default_config(program), in_source);
  auto installed = folder.write("build/dev/share/tandem/config/embedded.toml", "");
  EXPECT_EQ(*find_default_config(program), installed);
}

}  // namespace
}  // namespace tandem
