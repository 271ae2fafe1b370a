// From a goal to its answer with the models that come with Tandem.

#include <fstream>

#include <simdjson.h>

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

constexpr std::size_t tasks_max = 48;

class EmbeddedNode : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.start({},
                {"--config", TANDEM_SOURCE_DIR "/config/embedded.toml", "--listen", "127.0.0.1:0"});
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
  }

  node_process node_{TANDEM_BIN_DIR};
};

TEST_F(EmbeddedNode, PlansWithTheLargeModelActsWithTheSmallAndKeepsTheAnswer) {
  job_id job;
  {
    auto client = connect(node_);
    job = submit(client, "What is (12+7)*3-5?");
    auto end = wait_end(client, job);
    EXPECT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(end.answer, "52");
    EXPECT_LT(end.cost, end.cost_all_large);
    EXPECT_GT(end.cost, 0);
    auto view = client.view(job);
    ASSERT_TRUE(view.engaged()) << why(view);
    auto reader = view->read();
    EXPECT_FALSE(reader->getSummary().getSimulated());
    ASSERT_EQ(reader->getSteps().size(), 3u);
    ASSERT_GE(reader->getAttempts().size(), 4u);
    for (auto attempt : reader->getAttempts()) {
      auto plans = attempt.getPurpose() == schema::Purpose::PLAN;
      EXPECT_EQ(tandem::view(attempt.getTier()), plans ? "large" : "small");
    }
  }
  EXPECT_EQ(node_.stop(), 0) << node_.log();
  node_.start({},
              {"--config", TANDEM_SOURCE_DIR "/config/embedded.toml", "--listen", "127.0.0.1:0"});
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  auto client = connect(node_);
  EXPECT_EQ(result_of(client, job), "52");
  EXPECT_EQ(look(client, job).state, "done");
}

struct task {
  std::string question;
  std::string answer;
};

std::vector<task> some_tasks() {
  std::vector<task> all;
  std::ifstream file{TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl"};
  simdjson::dom::parser parser;
  for (std::string line; std::getline(file, line);) {
    auto object = parser.parse(line);
    all.push_back({std::string{std::string_view{object["question"]}},
                   std::string{std::string_view{object["answer"]}}});
  }
  // Evenly spread, since the file is sorted by size.
  std::vector<task> some;
  for (std::size_t i = 0; i < tasks_max; ++i) some.push_back(all.at(i * all.size() / tasks_max));
  return some;
}

TEST_F(EmbeddedNode, AnswersDozensOfTasksAtOnce) {
  auto client = connect(node_);
  auto tasks = some_tasks();
  std::vector<job_id> jobs;
  for (const auto& each : tasks) jobs.push_back(submit(client, each.question));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto end = wait_end(client, jobs[i], std::chrono::minutes{2});
    EXPECT_EQ(end.state, "done") << tasks[i].question << ": " << end.reason;
    EXPECT_EQ(end.answer, tasks[i].answer) << tasks[i].question;
  }
}

TEST_F(EmbeddedNode, AGoalOutsideWhatItsModelsKnowEndsWithAReason) {
  auto client = connect(node_);
  auto end = wait_end(client, submit(client, "Bonjour \xE2\x98\x83, ecris un poeme {{1}}"),
                      std::chrono::minutes{2});
  EXPECT_THAT(end.state, ::testing::AnyOf("done", "failed"));
  if (end.state == "failed") {
    EXPECT_NE(end.reason, "");
  }
}

}  // namespace
}  // namespace tandem::test
