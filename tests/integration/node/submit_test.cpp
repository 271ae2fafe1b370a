// What a node accepts as a job, and that a client key names one job for ever.

#include <thread>

#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

using Submit = SimNode;

TEST_F(Submit, TheSameKeyGivesTheSameJob) {
  auto first = at().submit({.goal = "once", .client_key = "key-1"});
  auto second = at().submit({.goal = "once", .client_key = "key-1"});
  ASSERT_TRUE(first.engaged()) << why(first);
  ASSERT_TRUE(second.engaged()) << why(second);
  EXPECT_EQ(*first, *second);
  // Also once it has ended, and it is another job for another tenant.
  wait_end(at(), *first);
  EXPECT_EQ(*at().submit({.goal = "once", .client_key = "key-1"}), *first);
  EXPECT_NE(*at().submit({.goal = "once", .client_key = "key-1", .tenant = "other"}), *first);
}

TEST_F(Submit, TheSameKeyAtTheSameMomentGivesOneJob) {
  constexpr int clients = 4;
  std::vector<client> others;
  for (int i = 0; i < clients; ++i) others.push_back(connect(*node_));
  for (int round = 0; round < 20; ++round) {
    auto key = "at once " + std::to_string(round);
    std::vector<job_id> given(clients);
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i)
      threads.emplace_back([&, i] {
        auto job = others[i].submit({.goal = "together", .client_key = key});
        if (job) given[i] = *job;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_NE(given[0].number, 0u);
    EXPECT_THAT(given, ::testing::Each(given[0]));
  }
}

TEST_F(Submit, TheSameKeyWithAnotherGoalIsAConflict) {
  ASSERT_TRUE(at().submit({.goal = "one", .client_key = "key-2"}).engaged());
  auto other = at().submit({.goal = "two", .client_key = "key-2"});
  EXPECT_EQ(code(other), errc::conflict);
  EXPECT_THAT(why(other), ::testing::HasSubstr("key-2"));
}

TEST_F(Submit, AKeyOutlivesTheNode) {
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  caf::expected<job_id> first{caf::error{}};
  {
    auto client = connect(node);
    first = client.submit({.goal = "kept", .client_key = "key"});
    ASSERT_TRUE(first.engaged()) << why(first);
  }
  EXPECT_EQ(node.stop(), 0) << node.log();
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client = connect(node);
  EXPECT_EQ(*client.submit({.goal = "kept", .client_key = "key"}), *first);
  EXPECT_EQ(code(client.submit({.goal = "changed", .client_key = "key"})), errc::conflict);
}

struct refusal {
  const char* name;
  submission what;
};

class RefusedSubmission : public SimNode, public ::testing::WithParamInterface<refusal> {};

// Each refusal comes from the node or the client at once: what cannot be sent must not end in a
// timeout.
TEST_P(RefusedSubmission, IsAnInvalidArgumentWithAReason) {
  auto job = at().submit(GetParam().what);
  EXPECT_EQ(code(job), errc::invalid_argument) << why(job);
  EXPECT_GT(why(job).size(), 10u);
}

constexpr std::size_t mebibyte = std::size_t{1} << 20;

INSTANTIATE_TEST_SUITE_P(
    Node, RefusedSubmission,
    ::testing::Values(
        refusal{"EmptyGoal", {.goal = ""}}, refusal{"BlankGoal", {.goal = " \t\r\n "}},
        refusal{"HugeGoal", {.goal = std::string(200'000, 'x')}},
        refusal{"HugestGoal", {.goal = std::string(64 * mebibyte, 'x')}},
        refusal{"NoUtf8", {.goal = "caf\xE9"}},
        refusal{"ZeroByte", {.goal = std::string("a\0b", 3)}},
        refusal{"KeyZeroByte", {.goal = "g", .client_key = std::string("a\0b", 3)}},
        refusal{"KeyNoUtf8", {.goal = "g", .client_key = "\xFF\xFE"}},
        refusal{"HugeKey", {.goal = "g", .client_key = std::string(2 * mebibyte, 'k')}},
        refusal{"LongKey", {.goal = "g", .client_key = std::string(300, 'k')}},
        refusal{"TenantNoUtf8", {.goal = "g", .tenant = "\xC0\x80"}},
        refusal{"HugeTenant", {.goal = "g", .tenant = std::string(2 * mebibyte, 't')}},
        refusal{"TagNoUtf8", {.goal = "g", .tags = {"\xED\xA0\x80"}}},
        refusal{"ManyTags", {.goal = "g", .tags = std::vector<std::string>(33, "t")}},
        refusal{"HugeTags", {.goal = "g", .tags = {std::string(2 * mebibyte, 't')}}},
        refusal{"PriorityTooHigh", {.goal = "g", .priority = 101}},
        refusal{"NegativeTimeout", {.goal = "g", .timeout = std::chrono::milliseconds{-1}}},
        refusal{"EndlessTimeout", {.goal = "g", .timeout = std::chrono::hours{24 * 365}}}),
    [](const auto& info) { return info.param.name; });

TEST_F(Submit, AnUnusualGoalComesBackAsItWas) {
  using namespace std::string_literals;
  auto goal = "\xE2\x98\x83 \"quoted\" \\ {{1}} \x01\t\x7F end"s;
  auto job = at().submit({.goal = goal, .tags = {"\xC3\xA4"}});
  ASSERT_TRUE(job.engaged()) << why(job);
  EXPECT_EQ(wait_end(at(), *job).state, "done");
  auto summary = at().summary(*job);
  ASSERT_TRUE(summary.engaged()) << why(summary);
  EXPECT_EQ(view(summary->read()->getGoal()), goal);
}

TEST_F(Submit, AGoalOfTheLargestSizeIsCarriedOut) {
  auto job = submit(at(), std::string(128 * 1024, 'x'));
  EXPECT_EQ(wait_end(at(), job).state, "done");
}

}  // namespace
}  // namespace tandem::test
