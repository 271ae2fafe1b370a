// Starting, stopping, and what keeps a node from starting.

#include <csignal>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

constexpr int usage = 2;
constexpr int not_started = 3;
constexpr std::chrono::seconds limit{60};

/// Starts a node that is expected not to come up.
run_result run_node(std::vector<std::string> arguments) {
  return run({.program = std::filesystem::path{TANDEM_BIN_DIR} / "tandem-node",
              .arguments = std::move(arguments)},
             limit);
}

TEST(Lifecycle, JobsGoOnAfterAStopInTheirMiddle) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  std::vector<job_id> jobs;
  {
    auto client = connect(node);
    for (int i = 0; i < 20; ++i)
      jobs.push_back(submit(client, goal_with_steps({{1, R"(@sim {"ms":500,"reply":"one"})", {}},
                                                     {2, R"({{1}} @sim {"reply":"two"})", {1}}})));
    EXPECT_EQ(node.stop(), 0) << node.log();
  }
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  for (auto job : jobs) {
    auto end = wait_end(client, job);
    EXPECT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(end.answer, "two");
  }
}

TEST(Lifecycle, AClientOfAStoppedNodeIsToldAtOnce) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  auto job = submit(client, goal_with_steps({{1, R"(@sim {"ms":60000})", {}}}));
  ASSERT_TRUE(wait_event(client, job, [](auto event) { return event.isPlanComplete(); }));
  std::thread stopper{[&] { node.process().signal(SIGTERM); }};
  auto ended = client.wait(job, limit);
  stopper.join();
  EXPECT_EQ(code(ended), errc::unavailable) << why(ended);
  EXPECT_EQ(code(client.summary(job)), errc::unavailable);
  EXPECT_EQ(node.stop(), 0) << node.log();
}

TEST(Lifecycle, SigintStopsItToo) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  node.process().signal(SIGINT);
  EXPECT_EQ(node.process().wait(limit), 0) << node.log();
}

TEST(Lifecycle, ASecondNodeOnTheSameFolderIsRefused) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto second = run_node(
      {"--config", (node.folder() / "node.toml").string(), "--data", node.data_dir().string()});
  EXPECT_EQ(second.code, not_started);
  EXPECT_THAT(second.err, HasSubstr(node.data_dir().string()));
  EXPECT_THAT(second.err, HasSubstr("another process"));
  auto client = connect(node);
  EXPECT_EQ(wait_end(client, submit(client, "still here")).state, "done");
}

TEST(Lifecycle, APortInUseIsNamed) {
  auto fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  auto where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text(), {"--listen", where});
  EXPECT_FALSE(node.wait_ready());
  EXPECT_EQ(node.process().wait(limit), not_started);
  EXPECT_THAT(node.log(), HasSubstr(where));
  EXPECT_THAT(node.log(), HasSubstr("--listen"));
  ::close(fd);
}

class BadStart : public ::testing::Test {
 protected:
  /// Runs a node with this config.
  run_result start(std::string_view config) {
    write_text(folder_.path() / "node.toml", config);
    return run_node({"--config", (folder_.path() / "node.toml").string(), "--data",
                     (folder_.path() / "data").string()});
  }

  [[nodiscard]] static std::string embedded(const std::filesystem::path& model) {
    return "[node]\nlisten = \"127.0.0.1:0\"\n[[model]]\nname = \"large\"\ntier = \"large\"\n"
           "[[model]]\nname = \"small\"\ntier = \"small\"\n[[engine]]\nname = \"small-0\"\nkind = "
           "\"sim\"\nmodel = \"small\"\n[[engine]]\nname = \"large-0\"\nkind = \"embedded\"\nmodel "
           "= "
           "\"large\"\npath = \"" +
           model.string() + "\"\n";
  }

  temp_folder folder_;
};

TEST_F(BadStart, AFileInPlaceOfTheDataFolder) {
  write_text(folder_.path() / "data", "not a folder");
  auto result = start(sim_config{}.text());
  EXPECT_EQ(result.code, not_started);
  EXPECT_THAT(result.err, HasSubstr((folder_.path() / "data").string()));
}

TEST_F(BadStart, AnUnknownKeyNamesTheNearest) {
  auto result = start(sim_config{.more = "[jobs]\ntimeuot = \"1m\"\n"}.text());
  EXPECT_EQ(result.code, usage);
  EXPECT_THAT(result.err, HasSubstr("timeuot"));
  EXPECT_THAT(result.err, HasSubstr("timeout"));
}

TEST_F(BadStart, AnUnknownFlagNamesTheNearest) {
  auto result = run_node({"--lisen", "127.0.0.1:0"});
  EXPECT_EQ(result.code, usage);
  EXPECT_THAT(result.err, HasSubstr("--listen"));
}

TEST_F(BadStart, NoConfigFileThere) {
  auto result = run_node({"--config", (folder_.path() / "nowhere.toml").string()});
  EXPECT_EQ(result.code, usage);
  EXPECT_THAT(result.err, HasSubstr("nowhere.toml"));
}

TEST_F(BadStart, AModelFileThatIsNotThere) {
  auto result = start(embedded(folder_.path() / "nowhere.gguf"));
  EXPECT_EQ(result.code, usage);
  EXPECT_THAT(result.err, HasSubstr("nowhere.gguf"));
}

class BadModel : public BadStart, public ::testing::WithParamInterface<double> {};

// A prefix of a sound file: nothing, part of its header, part of its tensors.
TEST_P(BadModel, ATruncatedFileIsNamed) {
  auto whole = read_text(TANDEM_SOURCE_DIR "/config/models/tandem-planner-v1-f16.gguf");
  ASSERT_GT(whole.size(), 1'000u);
  auto model = folder_.path() / "cut.gguf";
  write_text(model, whole.substr(0, static_cast<std::size_t>(static_cast<double>(whole.size()) *
                                                             GetParam())));
  auto result = start(embedded(model));
  EXPECT_EQ(result.code, not_started);
  EXPECT_THAT(result.err, HasSubstr("cut.gguf"));
}

INSTANTIATE_TEST_SUITE_P(Lengths, BadModel, ::testing::Values(0.0, 0.001, 0.5, 0.999));

TEST_F(BadStart, AModelFileOfAnotherKind) {
  write_text(folder_.path() / "text.gguf", std::string(100'000, 'x'));
  auto result = start(embedded(folder_.path() / "text.gguf"));
  EXPECT_EQ(result.code, not_started);
  EXPECT_THAT(result.err, HasSubstr("text.gguf"));
}

TEST_F(BadStart, AJournalThatIsDamagedIsNamed) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  EXPECT_EQ(node.stop(), 0) << node.log();
  write_text(node.data_dir() / "journal" / "db" / "CURRENT", "rubbish");
  node.start();
  EXPECT_FALSE(node.wait_ready());
  EXPECT_EQ(node.process().wait(limit), not_started);
  EXPECT_THAT(node.log(), HasSubstr("journal"));
}

}  // namespace
}  // namespace tandem::test
