// Tandem on real llama-servers with the models that come with it: from a goal to its answer, and
// with the servers killed under it.

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"
#include "tests/integration/engines/llama_server.hpp"
#include "tests/integration/engines/tasks.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::test {
namespace {

/// What the embedded engine reaches: .997 of the 300 tasks.
constexpr std::size_t right_min = 297;

/// The embedded models' prompts and prices, with other engines.
std::string config_with(std::string_view engines) {
  auto text = read_text(TANDEM_SOURCE_DIR "/config/embedded.toml");
  return text.substr(0, text.find("[[engine]]")).append(engines);
}

std::string http_engine(std::string_view name, std::string_view model, std::string_view url) {
  return "\n[[engine]]\nname = \"" + std::string{name} + "\"\nkind = \"http\"\nmodel = \"" +
         std::string{model} + "\"\nconcurrency = 4\n[engine.http]\nurl = \"" + std::string{url} +
         "\"\nhealth_interval = \"200ms\"\n";
}

std::string managed_engine(std::string_view name, std::string_view model, std::string_view gguf) {
  return "\n[[engine]]\nname = \"" + std::string{name} + "\"\nkind = \"managed\"\nmodel = \"" +
         std::string{model} + "\"\nconcurrency = 4\npath = \"" + model_file(gguf).string() +
         "\"\n[engine.process]\ncommand = [\"" + find_llama_server()->string() +
         "\", \"-m\", \"{path}\", \"--host\", \"127.0.0.1\", \"--port\", \"{port}\", \"-np\", "
         "\"{concurrency}\", \"-c\", \"4096\", \"-t\", \"1\"]\n[engine.http]\nhealth_interval = "
         "\"200ms\"\n";
}

constexpr std::string_view planner_gguf = "tandem-planner-v1-f16.gguf";
constexpr std::string_view executor_gguf = "tandem-executor-v2-f16.gguf";

class RealEngine : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_llama_server()) return;
    constexpr auto* how =
        "no llama-server: run scripts/engines.sh, or point TANDEM_LLAMA_SERVER at one";
    if (must_have_llama_server()) FAIL() << how;
    GTEST_SKIP() << how;
  }

  void start_node(std::string_view engines) {
    node_.start(config_with(engines), {"--listen", "127.0.0.1:0"});
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
  }

  node_process node_{TANDEM_BIN_DIR};
};

struct engine_facts {
  std::string server;
  pid_t process = 0;
};

engine_facts facts_of(client& at, std::string_view name) {
  auto topology = at.topology();
  if (!topology) throw std::runtime_error{message_of(topology.error())};
  auto reader = topology->read();
  for (auto node : reader->getNodes())
    for (auto engine : node.getEngines())
      if (view(engine.getName()) == name)
        return {std::string{view(engine.getServer())}, static_cast<pid_t>(engine.getProcessId())};
  throw std::runtime_error{"no engine " + std::string{name}};
}

TEST_F(RealEngine, RemoteServersAnswerTheTasksAsTheEmbeddedModelsDo) {
  llama_server planner{model_file(planner_gguf)};
  llama_server executor{model_file(executor_gguf)};
  ASSERT_TRUE(planner.wait_ready()) << planner.process().log();
  ASSERT_TRUE(executor.wait_ready()) << executor.process().log();
  start_node(http_engine("planner-0", "planner", planner.url()) +
             http_engine("executor-0", "executor", executor.url()));
  auto at = connect(node_);
  auto tasks = read_tasks();
  auto result = run_tasks(at, tasks);
  EXPECT_EQ(result.ended, tasks.size());
  EXPECT_GE(result.right, right_min) << result.others << node_.log();
  EXPECT_THAT(facts_of(at, "executor-0").server, ::testing::StartsWith("llama.cpp"));
}

TEST_F(RealEngine, ManagedServersAnswerTheTasksAndEndWithTheirNode) {
  start_node(managed_engine("planner-0", "planner", planner_gguf) +
             managed_engine("executor-0", "executor", executor_gguf));
  pid_t server = 0;
  {
    auto at = connect(node_);
    auto tasks = read_tasks();
    auto result = run_tasks(at, tasks);
    EXPECT_EQ(result.ended, tasks.size());
    EXPECT_GE(result.right, right_min) << result.others << node_.log();
    server = facts_of(at, "executor-0").process;
    ASSERT_GT(server, 0);
    EXPECT_EQ(::kill(server, 0), 0);
  }
  EXPECT_EQ(node_.stop(), 0) << node_.log();
  EXPECT_NE(::kill(server, 0), 0) << "the server outlives its node";
}

TEST_F(RealEngine, JobsOutliveTheKillOfOneOfTwoServers) {
  llama_server planner{model_file(planner_gguf)};
  llama_server first{model_file(executor_gguf)};
  llama_server second{model_file(executor_gguf)};
  for (auto* server : {&planner, &first, &second})
    ASSERT_TRUE(server->wait_ready()) << server->process().log();
  start_node(http_engine("planner-0", "planner", planner.url()) +
             http_engine("executor-0", "executor", first.url()) +
             http_engine("executor-1", "executor", second.url()));
  auto at = connect(node_);
  auto tasks = read_tasks(100);
  auto jobs = submit_tasks(at, tasks);
  ASSERT_TRUE(wait_end(at, jobs.front()).state == "done");
  first.process().kill9();
  auto result = wait_tasks(at, tasks, jobs);
  EXPECT_EQ(result.ended, tasks.size()) << result.others;
  EXPECT_EQ(result.done, tasks.size()) << result.others << node_.log();
  EXPECT_GE(result.right, tasks.size() - 2) << result.others;
}

TEST_F(RealEngine, JobsWithoutAnyServerEndAndItsReturnIsNoticed) {
  llama_server planner{model_file(planner_gguf)};
  llama_server executor{model_file(executor_gguf)};
  ASSERT_TRUE(planner.wait_ready()) << planner.process().log();
  ASSERT_TRUE(executor.wait_ready()) << executor.process().log();
  start_node(http_engine("planner-0", "planner", planner.url()) +
             http_engine("executor-0", "executor", executor.url()) +
             "\n[jobs]\ntimeout = \"15s\"\n");
  auto at = connect(node_);
  auto tasks = read_tasks(60);
  auto jobs = submit_tasks(at, tasks);
  ASSERT_TRUE(wait_end(at, jobs.front()).state == "done");
  planner.process().kill9();
  executor.process().kill9();
  auto result = wait_tasks(at, tasks, jobs);
  EXPECT_EQ(result.ended, tasks.size()) << result.others << node_.log();
  planner.restart();
  executor.restart();
  ASSERT_TRUE(planner.wait_ready()) << planner.process().log();
  ASSERT_TRUE(executor.wait_ready()) << executor.process().log();
  // Until the breakers try again, a job may still end unserved.
  auto end = wait_end(at, submit(at, "What is (12+7)*3-5?"));
  for (int tries = 0; end.state != "done" && tries < 10; ++tries)
    end = wait_end(at, submit(at, "What is (12+7)*3-5?"));
  EXPECT_EQ(end.answer, "52") << end.reason;
}

TEST_F(RealEngine, AKilledManagedServerIsStartedAgainUnderItsJobs) {
  start_node(managed_engine("planner-0", "planner", planner_gguf) +
             managed_engine("executor-0", "executor", executor_gguf));
  auto at = connect(node_);
  auto tasks = read_tasks(60);
  auto jobs = submit_tasks(at, tasks);
  ASSERT_TRUE(wait_end(at, jobs.front()).state == "done");
  auto before = facts_of(at, "executor-0").process;
  ASSERT_GT(before, 0);
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  auto result = wait_tasks(at, tasks, jobs);
  EXPECT_EQ(result.ended, tasks.size()) << result.others << node_.log();
  EXPECT_EQ(result.done, tasks.size()) << result.others << node_.log();
  auto end = wait_end(at, submit(at, "What is (12+7)*3-5?"));
  EXPECT_EQ(end.answer, "52") << end.reason;
  EXPECT_NE(facts_of(at, "executor-0").process, before);
}

}  // namespace
}  // namespace tandem::test
