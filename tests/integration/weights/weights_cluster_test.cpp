// The embedded executor goes from version 1 to version 2 on three nodes while jobs run: nothing
// fails, no job sees two versions, and afterwards more answers are right.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <simdjson.h>

#include "schema/text.hpp"
#include "tests/integration/weights/weights_fleet.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using schema::WeightAction;

const std::string models = std::string{TANDEM_SOURCE_DIR} + "/config/models/";
const std::string executor_1 = models + "tandem-executor-v1-f16.gguf";
const std::string executor_2 = models + "tandem-executor-v2-f16.gguf";

void replace(std::string& in, const std::string& what, const std::string& by) {
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + by.size()))
    in.replace(at, what.size(), by);
}

/// The default of a fresh clone with the weaker executor, as a node of a cluster.
std::string embedded_config() {
  std::ifstream in{std::string{TANDEM_SOURCE_DIR} + "/config/embedded.toml"};
  std::ostringstream text;
  text << in.rdbuf();
  auto config = text.str();
  replace(config, "path = \"models/", "path = \"" + models);
  replace(config, "tandem-executor-v2-f16", "tandem-executor-v1-f16");
  replace(config, "policy = \"auto\"", "policy = \"cheapest\"");
  replace(config, "listen = \"127.0.0.1:7420\"", "listen = \"127.0.0.1:0\"");
  replace(config, "data = \"\"\n", "");
  return config + quick_cluster_config(3000);
}

struct question {
  std::string text;
  std::string answer;
};

std::vector<question> read_questions(std::size_t count) {
  std::vector<question> out;
  std::ifstream in{std::string{TANDEM_SOURCE_DIR} + "/tests/data/tasks.jsonl"};
  simdjson::dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    auto task = parser.parse(line);
    if (std::int64_t{task["n"]} < 3) continue;
    out.push_back({std::string{std::string_view{task["question"]}},
                   std::string{std::string_view{task["answer"]}}});
    if (out.size() == count) break;
  }
  return out;
}

struct tally {
  std::size_t right = 0;
  std::size_t asked = 0;
  std::vector<std::string> failed;
  /// Jobs whose attempts name more than one version of the executor.
  std::vector<std::string> mixed;
};

void ask(client& at, const question& what, tally& into) {
  auto job = at.submit({.goal = what.text});
  if (!job) {
    into.failed.push_back(message_of(job.error()));
    return;
  }
  auto end = at.wait(*job, 60s);
  if (!end) {
    into.failed.push_back(message_of(end.error()));
    return;
  }
  ++into.asked;
  auto summary = end->read();
  if (summary->getState() != schema::JobState::DONE)
    into.failed.push_back(what.text + ": " + std::string{view(summary->getReason())});
  else if (view(summary->getAnswer()) == what.answer)
    ++into.right;
  auto seen = at.view(*job);
  if (!seen) return;
  std::set<std::string> versions;
  auto reader = seen->read();
  for (auto attempt : reader->getAttempts())
    if (view(attempt.getModel()) == "executor" && attempt.getWeightVersion().size() != 0)
      versions.insert(std::string{view(attempt.getWeightVersion())});
  if (versions.size() > 1) into.mixed.push_back(what.text);
}

tally ask_all(client& at, const std::vector<question>& questions) {
  tally out;
  for (const auto& each : questions) ask(at, each, out);
  return out;
}

/// Asks from all nodes until it is told to stop.
class load {
 public:
  load(cluster_process& nodes, const std::vector<question>& questions) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      threads_.emplace_back([this, &nodes, &questions, i, tallies = &tallies_] {
        auto at = nodes.connect(i);
        tally mine;
        for (auto next = i; !stop_; next = (next + 1) % questions.size())
          ask(at, questions[next], mine);
        std::lock_guard lock{mutex_};
        tallies->push_back(mine);
      });
  }
  std::vector<tally> stop() {
    stop_ = true;
    for (auto& each : threads_) each.join();
    threads_.clear();
    return tallies_;
  }
  ~load() { stop(); }

 private:
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<tally> tallies_;
  std::vector<std::thread> threads_;
};

TEST(WeightsCluster, EveryNodesExecutorGoesToTheNewVersionWhileJobsRun) {
  auto questions = read_questions(40);
  ASSERT_EQ(questions.size(), 40u);
  cluster_process nodes{TANDEM_BIN_DIR, 3};
  auto config = embedded_config();
  for (std::size_t i = 0; i < 3; ++i) nodes.start(i, config, free_address());
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(nodes[i].wait_ready()) << nodes.log();
  auto at = nodes.connect(0);
  ASSERT_TRUE(wait_until(20s, [&] { return sees_all(at, {"n0", "n1", "n2"}); }));

  tell(at, weight_command(WeightAction::ADD, "executor", "1", executor_1));
  auto added = tell(at, weight_command(WeightAction::ADD, "executor", "2", executor_2));
  auto versions = added.read();
  ASSERT_EQ(versions->getVersions().size(), 2u);
  EXPECT_EQ(versions->getVersions()[1].getNodes().size(), 1u);
  EXPECT_EQ(versions_of(at, "executor"),
            (std::vector<std::string>{"executor-embedded@n0 1", "executor-embedded@n1 1",
                                      "executor-embedded@n2 1"}));
  auto before = ask_all(at, questions);
  EXPECT_EQ(before.failed, std::vector<std::string>{});

  load running{nodes, questions};
  tell(at, weight_command(WeightAction::ROLL, "executor", "2"));
  auto end = wait_roll(at, "executor", 60s);
  EXPECT_EQ(end.phase, "done") << end.reason << nodes.log();
  auto during = running.stop();
  std::size_t asked = 0;
  for (const auto& each : during) {
    EXPECT_EQ(each.failed, std::vector<std::string>{});
    EXPECT_EQ(each.mixed, std::vector<std::string>{});
    asked += each.asked;
  }
  EXPECT_GT(asked, 3u);
  EXPECT_TRUE(wait_until(10s, [&] {
    return versions_of(at, "executor") == std::vector<std::string>{"executor-embedded@n0 2",
                                                                   "executor-embedded@n1 2",
                                                                   "executor-embedded@n2 2"};
  })) << nodes.log();
  auto after = ask_all(at, questions);
  EXPECT_EQ(after.failed, std::vector<std::string>{});
  EXPECT_GT(after.right, before.right);

  auto report = tell(at, weight_command(WeightAction::LIST, "executor"));
  auto reader = report.read();
  auto second = reader->getVersions()[1];
  EXPECT_TRUE(second.getWanted());
  EXPECT_EQ(second.getNodes().size(), 3u);
  // A restart comes back with what was served last, whatever the config file says.
  ASSERT_TRUE(nodes[1].stop());
  nodes.start(1, config, nodes.address(1));
  ASSERT_TRUE(nodes[1].wait_ready()) << nodes.log();
  auto again = nodes.connect(1);
  EXPECT_TRUE(wait_until(20s, [&] {
    auto all = versions_of(again, "executor");
    return std::count(all.begin(), all.end(), "executor-embedded@n1 2") == 1;
  })) << nodes.log();
}

TEST(WeightsCluster, WhatDoesNotFitIsRefusedBeforeAnythingMoves) {
  node_process node{TANDEM_BIN_DIR};
  node.start(embedded_config());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto at = connect(node);
  std::string why;
  EXPECT_EQ(refusal(at, weight_command(WeightAction::ADD, "executor", "1", "/no/such/file"), &why),
            errc::invalid_argument)
      << why;
  tell(at, weight_command(WeightAction::ADD, "executor", "2", executor_2));
  EXPECT_EQ(refusal(at, weight_command(WeightAction::ADD, "executor", "1", executor_1), &why),
            errc::invalid_argument);
  EXPECT_NE(why.find("'3'"), std::string::npos) << why;
  EXPECT_EQ(refusal(at, weight_command(WeightAction::ADD, "executor", "2", executor_1), &why),
            errc::conflict)
      << why;
  EXPECT_EQ(refusal(at,
                    weight_command(WeightAction::ADD, "executor", "3",
                                   models + "tandem-planner-v1-f16.gguf"),
                    &why),
            errc::invalid_argument);
  EXPECT_NE(why.find("do not fit"), std::string::npos) << why;
  EXPECT_EQ(refusal(at, weight_command(WeightAction::ROLL, "executor", "9"), &why),
            errc::not_found);
  EXPECT_EQ(refusal(at, weight_command(WeightAction::ROLL, "nobody", "2"), &why), errc::not_found);
  EXPECT_EQ(refusal(at, weight_command(WeightAction::STOP, "executor"), &why), errc::not_found);
  // The same again is no error: a command may be repeated.
  auto again = tell(at, weight_command(WeightAction::ADD, "executor", "2", executor_2));
  EXPECT_EQ(again.read()->getVersions().size(), 1u);
}

TEST(WeightsCluster, AnUpdateWhoseAnswerIsWrongGoesBack) {
  node_process node{TANDEM_BIN_DIR};
  node.start(embedded_config());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto at = connect(node);
  tell(at, weight_command(WeightAction::ADD, "executor", "1", executor_1));
  tell(at, weight_command(WeightAction::ADD, "executor", "2", executor_2));
  message_builder<schema::WeightCommand> roll;
  roll->setAction(WeightAction::ROLL);
  roll->setModel("executor");
  roll->setVersion("2");
  roll->getOptions().setPrompt("add 12 7");
  roll->getOptions().setExpected("20");
  tell(at, roll.finish());
  auto end = wait_roll(at, "executor", 60s);
  EXPECT_EQ(end.phase, "rolled back") << node.log();
  EXPECT_NE(end.reason.find("20"), std::string::npos) << end.reason;
  auto versions = versions_of(at, "executor");
  ASSERT_EQ(versions.size(), 1u);
  EXPECT_EQ(versions[0].substr(versions[0].rfind(' ')), " 1");
  auto answers = ask_all(at, read_questions(3));
  EXPECT_EQ(answers.failed, std::vector<std::string>{});
}

}  // namespace
}  // namespace tandem::test
