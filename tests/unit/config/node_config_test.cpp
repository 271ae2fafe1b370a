#include "config/node_config.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

/// With one engine that a test makes.
node_config with_engine(const std::string& kind) {
  auto config = valid_config();
  config.engines[0].kind = kind;
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

std::string url_problem_of(const std::string& url) {
  auto config = with_engine("http");
  config.engines[0].http.url = url;
  auto problems = config.validate();
  if (problems.empty()) return {};
  EXPECT_EQ(problems.size(), 1u) << url;
  EXPECT_EQ(problems[0].key, "engine.0.http.url") << url;
  return problems[0].text;
}

TEST(node_config, TakesUrlsOfServers) {
  for (auto url : {"http://127.0.0.1:8000", "https://api.example.com", "http://[::1]:8000",
                   "http://[fe80::1%eth0]", "https://host/with/a/path", "http://host_1:1/"}) {
    EXPECT_EQ(url_problem_of(url), "") << url;
  }
}

TEST(node_config, SaysWhatIsWrongWithAUrl) {
  EXPECT_THAT(url_problem_of(""), HasSubstr("http.url is missing"));
  EXPECT_THAT(url_problem_of("127.0.0.1:8000"), HasSubstr("has no scheme; write http://"));
  EXPECT_THAT(url_problem_of("ftp://a"), HasSubstr("must start with http or https"));
  EXPECT_THAT(url_problem_of("HTTP://a"), HasSubstr("must start with http or https"));
  EXPECT_THAT(url_problem_of("http://a/v1?x=1"), HasSubstr("remove what starts with ?"));
  EXPECT_THAT(url_problem_of("http://a#x"), HasSubstr("remove what starts with #"));
  EXPECT_THAT(url_problem_of("http://a b"), HasSubstr("has blanks"));
  EXPECT_THAT(url_problem_of("http://a\r\nHost: b"), HasSubstr("has blanks"));
  for (auto url : {"http://a:0", "http://a:65536", "http://a:", "http://a:x"}) {
    EXPECT_THAT(url_problem_of(url), HasSubstr("has no port from 1 to 65535")) << url;
  }
  for (auto url : {"http://", "http:///v1", "http://:80", "http://[]:80", "http://[::1",
                   "http://a,b", "http://]", "http://::1"}) {
    EXPECT_THAT(url_problem_of(url), HasSubstr("has no host name")) << url;
  }
}

TEST(node_config, ShowsNoPasswordOfAUrl) {
  auto text = url_problem_of("https://me:s3cret@api.example.com");
  EXPECT_THAT(text, HasSubstr("api_key_file"));
  EXPECT_THAT(text, testing::Not(HasSubstr("s3cret")));
  auto config = with_engine("http");
  config.engines[0].http.url = "http://a";
  config.engines[0].http.proxy = "socks5://me:s3cret@proxy:1080";
  text = only_problem(config, "engine.0.http.proxy");
  EXPECT_THAT(text, HasSubstr("a user or a password"));
  EXPECT_THAT(text, testing::Not(HasSubstr("s3cret")));
  config.engines[0].http.proxy = "http://proxy:3128/path";
  EXPECT_THAT(only_problem(config, "engine.0.http.proxy"), HasSubstr("has a path"));
  config.engines[0].http.proxy = "socks5h://proxy:1080";
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, WantsAnApiKeyThatOthersCannotRead) {
  test::test_folder folder;
  auto config = with_engine("http");
  auto& http = config.engines[0].http;
  http.url = "http://a";
  http.api_key_file = folder / "key";
  EXPECT_THAT(only_problem(config, "engine.0.http.api_key_file"), HasSubstr("does not exist"));
  folder.write("key", "k");
  std::filesystem::permissions(folder / "key", std::filesystem::perms{0644});
  EXPECT_THAT(only_problem(config, "engine.0.http.api_key_file"),
              HasSubstr("`chmod 600 " + (folder / "key").string() + "`"));
  std::filesystem::permissions(folder / "key", std::filesystem::perms{0600});
  EXPECT_TRUE(config.validate().empty());
  folder.write("key", "");
  EXPECT_THAT(only_problem(config, "engine.0.http.api_key_file"), HasSubstr("is empty"));
  http.api_key_env = "SOME_KEY";
  EXPECT_THAT(only_problem(config, "engine.0.http.api_key_file"), HasSubstr("remove one of them"));
}

TEST(node_config, WantsAnApiKeyThatIsSet) {
  auto config = with_engine("http");
  auto& http = config.engines[0].http;
  http.url = "http://a";
  http.api_key_env = "TANDEM_TEST_KEY";
  test::scoped_environment unset{"TANDEM_TEST_KEY", nullptr};
  EXPECT_THAT(only_problem(config, "engine.0.http.api_key_env"), HasSubstr("is not set"));
  {
    test::scoped_environment empty{"TANDEM_TEST_KEY", ""};
    EXPECT_THAT(only_problem(config, "engine.0.http.api_key_env"), HasSubstr("is empty"));
  }
  test::scoped_environment set{"TANDEM_TEST_KEY", "k"};
  EXPECT_TRUE(config.validate().empty());
  http.api_key_env = "sk-12345";
  auto text = only_problem(config, "engine.0.http.api_key_env");
  EXPECT_THAT(text, HasSubstr("never the key itself"));
  EXPECT_THAT(text, testing::Not(HasSubstr("sk-12345")));
}

TEST(node_config, RefusesAnUnknownServerAndAMissingAuthority) {
  auto config = with_engine("http");
  config.engines[0].http.url = "http://a";
  config.engines[0].http.server = "tgi";
  EXPECT_THAT(only_problem(config, "engine.0.http.server"),
              HasSubstr("auto, openai, sglang, vllm or llama.cpp"));
  config.engines[0].http.server = "vllm";
  config.engines[0].http.ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(only_problem(config, "engine.0.http.ca_file"), HasSubstr("does not exist"));
}

TEST(node_config, RefusesAManagedEngineThatCannotStart) {
  test::test_folder folder;
  auto config = with_engine("managed");
  auto& engine = config.engines[0];
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("needs a GGUF file"));
  engine.path = folder / "none.gguf";
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("does not exist"));
  engine.path = folder.write("a.gguf", "x");
  EXPECT_TRUE(config.validate().empty());
  engine.http.url = "http://a";
  EXPECT_THAT(only_problem(config, "engine.0.http.url"), HasSubstr("kind = \"http\""));
  engine.http.url.clear();
  // Another server may want a folder.
  engine.path = folder.path();
  engine.process.command = {"serve", "{path}", "--port={port}"};
  EXPECT_TRUE(config.validate().empty());
  engine.process.restart = "sometimes";
  EXPECT_THAT(only_problem(config, "engine.0.process.restart"),
              HasSubstr("always, on_failure or never"));
}

TEST(node_config, RefusesACommandThatCannotWork) {
  auto config = with_engine("managed");
  auto& process = config.engines[0].process;
  process.command = {"serve", "--port", "{prot}", "{port}"};
  EXPECT_THAT(
      only_problem(config, "engine.0.process.command"),
      HasSubstr("'{prot}', but only {path}, {port}, {concurrency} and {model} are replaced; "
                "did you mean {port}?"));
  process.command = {"serve"};
  EXPECT_THAT(only_problem(config, "engine.0.process.command"), HasSubstr("has no {port}"));
  process.port = 8000;
  EXPECT_TRUE(config.validate().empty());
  process.command = {"serve", "{path}"};
  EXPECT_THAT(only_problem(config, "engine.0.process.command"), HasSubstr("has no path"));
  process.command = {"", "x"};
  EXPECT_THAT(only_problem(config, "engine.0.process.command"), HasSubstr("a list of a program"));
  process.command = std::vector<std::string>(257, "x");
  EXPECT_THAT(only_problem(config, "engine.0.process.command"), HasSubstr("at most 256"));
  process.command = {"serve", std::string{"a\0b", 3}};
  EXPECT_THAT(only_problem(config, "engine.0.process.command"), HasSubstr("a list of a program"));
}

TEST(node_config, RefusesAReplayWithoutAnswers) {
  test::test_folder folder;
  auto config = with_engine("replay");
  EXPECT_THAT(only_problem(config, "engine.0.replay.answers"), HasSubstr("needs a CSV file"));
  config.engines[0].replay.answers = folder / "none.csv";
  EXPECT_THAT(only_problem(config, "engine.0.replay.answers"), HasSubstr("does not exist"));
  config.engines[0].replay.answers = folder.write("a.csv", "prompt\n");
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, LimitsServersByLatencyUnlessToldOtherwise) {
  for (auto [kind, adaptive] : {std::pair{"http", true},
                                {"managed", true},
                                {"embedded", false},
                                {"replay", false},
                                {"sim", false}}) {
    engine_config engine{.kind = kind};
    EXPECT_EQ(engine.is_adaptive(), adaptive) << kind;
    engine.adaptive = !adaptive;
    EXPECT_EQ(engine.is_adaptive(), !adaptive) << kind;
  }
  auto config = valid_config();
  config.engines[0].concurrency = 4;
  config.engines[0].concurrency_min = 5;
  EXPECT_THAT(only_problem(config, "engine.0.concurrency_min"),
              HasSubstr("is above concurrency = 4"));
}

TEST(node_config, RefusesAPathOfEnginesThatReadNone) {
  auto config = valid_config();
  config.engines[0].path = "/models/a.gguf";
  EXPECT_THAT(only_problem(config, "engine.0.path"), HasSubstr("embedded and managed; remove it"));
}

TEST(node_config, RefusesChecksOfKindsThatCannotBeMade) {
  auto config = valid_config();
  config.jobs.kinds.push_back({.name = "calc", .check = "numer"});
  EXPECT_THAT(only_problem(config, "kind.0.check"),
              HasSubstr("number, exact, contains, regex, json_schema, judge or command"));
  auto& kind = config.jobs.kinds[0];
  kind.check = "number";
  EXPECT_TRUE(config.validate().empty());
  kind.check = "regex";
  EXPECT_THAT(only_problem(config, "kind.0.check_argument"),
              HasSubstr("check_argument is missing; "));
  kind.check_argument = "a(";
  EXPECT_THAT(only_problem(config, "kind.0.check_argument"),
              HasSubstr("check_argument does not do for check = \"regex\": "));
  kind.check = "command";
  kind.check_argument = "lnit";
  EXPECT_THAT(only_problem(config, "kind.0.check_argument"), HasSubstr("add one with this name"));
  config.executor.checks.push_back({.name = "lint", .command = {"lint"}});
  EXPECT_THAT(only_problem(config, "kind.0.check_argument"), HasSubstr("did you mean 'lint'?"));
  kind.check_argument = "lint";
  EXPECT_TRUE(config.validate().empty());
  kind.check = "";
  EXPECT_THAT(only_problem(config, "kind.0.check_argument"), HasSubstr("without a check"));
}

TEST(node_config, WantsAModelThatJudgesWhereAKindAsksForOne) {
  auto config = valid_config();
  config.models[0].tier = "giant";
  config.routing.large_tier = "giant";
  EXPECT_TRUE(config.validate().empty());
  config.jobs.kinds.push_back({.name = "essay", .check = "judge", .check_argument = "Is it good?"});
  EXPECT_THAT(only_problem(config, "verification.judge_tier"),
              HasSubstr("no [[model]] is of this"));
  config.executor.verification.judge_tier = "giant";
  EXPECT_TRUE(config.validate().empty());
}

TEST(node_config, RefusesAKindWithoutATryOrWithoutRoom) {
  auto config = valid_config();
  config.jobs.kinds.push_back({.name = "calc", .small_attempts_max = 0, .large_attempts_max = 0});
  EXPECT_THAT(only_problem(config, "kind.0.small_attempts_max"), HasSubstr("leave no try"));
  config.jobs.kinds[0] = {.name = "calc", .tokens_max = 0};
  EXPECT_THAT(only_problem(config, "kind.0.tokens_max"), HasSubstr("leaves no room"));
}

TEST(node_config, RefusesSharesPeriodsAndNamesThatMakeNoSense) {
  auto config = valid_config();
  config.executor.hedging.quantile = 1;
  EXPECT_THAT(only_problem(config, "hedging.quantile"), HasSubstr("from 0.001 to 0.999"));
  config = valid_config();
  config.executor.tenants.push_back({.name = "a", .period = "week"});
  EXPECT_THAT(only_problem(config, "tenant.0.period"), HasSubstr("hour, day, month or never"));
  config.executor.tenants[0].period = "day";
  config.executor.tenants.push_back(config.executor.tenants[0]);
  EXPECT_THAT(only_problem(config, "tenant.1.name"), HasSubstr("is taken by another"));
  config.executor.tenants[1].name = "";
  EXPECT_THAT(only_problem(config, "tenant.1.name"), HasSubstr("name is missing"));
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
  config = valid_config();
  config.engines[0].breaker.pause = 1min;
  EXPECT_THAT(only_problem(config, "engine.0.breaker.pause"), HasSubstr("breaker.pause_max"));
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
  EXPECT_THAT(only_problem(config, "node.roles"), HasSubstr("planner, executor or gateway"));
  config.roles = {"planner", "planner"};
  EXPECT_THAT(only_problem(config, "node.roles"), HasSubstr("planner, executor or gateway"));
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

TEST(node_config, RefusesCopiesWithoutAnEtcd) {
  auto config = valid_config();
  config.replication.copies = 2;
  EXPECT_THAT(only_problem(config, "replication.copies"),
              HasSubstr("needs etcd, where nodes agree"));
  config.etcd.endpoints = {"http://127.0.0.1:2379", "https://[::1]:2379/"};
  EXPECT_TRUE(config.validate().empty());
  config.replication.min_in_sync = 3;
  EXPECT_THAT(only_problem(config, "replication.min_in_sync"),
              HasSubstr("min_in_sync = 3 is above replication.copies = 2"));
}

TEST(node_config, EmbeddingsNeedAServerAndAModel) {
  auto config = valid_config();
  config.routing.embeddings = true;
  EXPECT_THAT(only_problem(config, "routing.embeddings"), HasSubstr("write its address"));
  config.embeddings.url = "http://127.0.0.1:8080/v1";
  EXPECT_THAT(only_problem(config, "embeddings.model"), HasSubstr("is missing"));
  config.embeddings.model = "e5";
  EXPECT_TRUE(config.validate().empty());
  config.routing.features = 32;
  EXPECT_THAT(only_problem(config, "routing.features"), HasSubstr("no room for an embedding"));
  config.routing.features = 64;
  config.embeddings.url = "http://user:secret@host";
  EXPECT_THAT(only_problem(config, "embeddings.url"),
              AllOf(HasSubstr("embeddings.url"), Not(HasSubstr("secret"))));
  config.embeddings.url = "http://host";
  config.embeddings.api_key_env = "NO_SUCH_VARIABLE_9";
  EXPECT_THAT(only_problem(config, "embeddings.api_key_env"), HasSubstr("is not set"));
}

TEST(node_config, RefusesEndpointsOfEtcdThatAreNone) {
  auto config = valid_config();
  for (const char* wrong :
       {"127.0.0.1:2379", "http://", "http://a", "http://u:p@a:1", "ftp://a:1"}) {
    config.etcd.endpoints = {wrong};
    EXPECT_THAT(only_problem(config, "etcd.endpoints.0"), HasSubstr("http://host:2379")) << wrong;
  }
  config.etcd.endpoints = {"http://a:1"};
  config.etcd.user = "tandem";
  EXPECT_THAT(only_problem(config, "etcd.password_file"), HasSubstr("belong together"));
}

}  // namespace
}  // namespace tandem
