// A whole node on stub engines: what jobs make of servers that break off, are busy, refuse, hang or
// change under them, and that nothing is left running upstream.

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"
#include "tests/support/node_client.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/stub_engine.hpp"
#include "tests/support/wait_until.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* models = R"(
[node]
listen = "127.0.0.1:0"
[hedging]
share = 0.0
[[model]]
name = "big"
tier = "large"
input_price = 10.0
output_price = 10.0
plan_system = "plan"
step_system = "act"
[[model]]
name = "little"
tier = "small"
input_price = 0.1
output_price = 0.1
plan_system = "plan"
step_system = "act"
)";

std::string engine(std::string_view name, std::string_view model, const stub_engine& at,
                   std::string_view more = {}) {
  return "[[engine]]\nname = \"" + std::string{name} + "\"\nkind = \"http\"\nmodel = \"" +
         std::string{model} + "\"\nconcurrency = 8\n[engine.http]\nurl = \"" + at.url() +
         "\"\nserved_model = \"stub\"\nhealth_interval = \"100ms\"\n" + std::string{more};
}

constexpr std::string_view quick_breaker =
    "[engine.breaker]\nfailures = 3\npause = \"200ms\"\npause_max = \"1s\"\n";

class NodeEngines : public ::testing::Test {
 protected:
  NodeEngines() {
    auto plan = layered_plan({2, 1});
    large_.set_handler(plan_act([plan](auto) { return plan; }, [](auto) { return "large"; }));
    small_.set_handler([](const stub_request&) { return stub_answer::say("little", 2); });
  }

  void start(const std::string& more = {}) {
    node_.start(models + engine("large-0", "big", large_) +
                engine("small-0", "little", small_, quick_breaker) + more);
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
    at_ = std::make_unique<client>(connect(node_));
  }

  struct facts {
    schema::Breaker breaker = schema::Breaker::UNKNOWN;
    schema::Health health = schema::Health::UNKNOWN;
    std::string error;
    std::uint64_t failures = 0;
  };
  facts look_at(std::string_view name) {
    auto topology = at_->topology();
    if (!topology) throw std::runtime_error{message_of(topology.error())};
    auto reader = topology->read();
    for (auto node : reader->getNodes())
      for (auto each : node.getEngines())
        if (view(each.getName()) == name)
          return {each.getBreaker(), each.getHealth(), std::string{view(each.getLastError())},
                  each.getFailures()};
    throw std::runtime_error{"no such engine"};
  }

  stub_engine large_;
  stub_engine small_;
  node_process node_{TANDEM_BIN_DIR};
  std::unique_ptr<client> at_;
};

TEST_F(NodeEngines, StreamsThatAreCutOpenTheBreakerAndTheLargeTierTakesOver) {
  small_.set_handler([](const stub_request&) {
    auto answer = stub_answer::say("abcd", 4);
    answer.end = stub_end::close;
    answer.after_tokens = 2;
    return answer;
  });
  start();
  auto end = wait_end(*at_, submit(*at_, "a goal"));
  EXPECT_EQ(end.state, "done") << end.reason << node_.log();
  EXPECT_EQ(end.answer, "large");
  auto seen = look_at("small-0");
  // Half open once its pause is over.
  EXPECT_NE(seen.breaker, schema::Breaker::CLOSED);
  EXPECT_GE(seen.failures, 3);
  EXPECT_THAT(seen.error, HasSubstr("cut"));
  EXPECT_EQ(small_.counts().open, 0);
}

TEST_F(NodeEngines, RefusalsAreTheCallersFaultAndOpenNoBreaker) {
  small_.set_handler([](const stub_request&) {
    return stub_answer::error(400, R"({"error":{"message":"no such sampler","code":400}})");
  });
  start();
  for (int i = 0; i < 3; ++i) wait_end(*at_, submit(*at_, "a goal"));
  auto seen = look_at("small-0");
  EXPECT_EQ(seen.breaker, schema::Breaker::CLOSED);
  EXPECT_EQ(seen.health, schema::Health::HEALTHY);
}

TEST_F(NodeEngines, ABusyServerIsLeftAloneAndAnotherTakesItsSteps) {
  small_.set_handler([](const stub_request&) {
    return stub_answer::error(429, R"({"error":{"message":"queue is full"}})",
                              "Retry-After: 600\r\n");
  });
  stub_engine other;
  other.set_handler([](const stub_request&) { return stub_answer::say("other", 1); });
  start(engine("small-1", "little", other));
  for (int i = 0; i < 20; ++i) {
    auto end = wait_end(*at_, submit(*at_, "a goal"));
    ASSERT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(end.answer, "other");
  }
  EXPECT_LE(small_.counts().requests, 2) << "asked again although it asked to wait";
  EXPECT_EQ(look_at("small-0").breaker, schema::Breaker::CLOSED);
}

TEST_F(NodeEngines, AJobWaitsForItsOnlyServerThatIsAwayForAMoment) {
  // Nobody has noticed yet: the probes come too late for that.
  auto large = engine("large-0", "big", large_);
  large.replace(large.find("100ms"), 5, "60s");
  node_.start(models + large + engine("small-0", "little", small_));
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  at_ = std::make_unique<client>(connect(node_));
  ASSERT_EQ(wait_end(*at_, submit(*at_, "a goal")).state, "done");
  large_.stop();
  auto job = submit(*at_, "another goal");
  while (look_at("large-0").failures < 2) std::this_thread::yield();
  large_.start();
  auto end = wait_end(*at_, job);
  EXPECT_EQ(end.state, "done") << end.reason << node_.log();
}

TEST_F(NodeEngines, ABrokenServerIsExcludedWithinTheSameJob) {
  stub_engine broken;
  broken.set_handler([](const stub_request&) { return stub_answer::hang_up(); });
  start(engine("small-1", "little", broken, quick_breaker));
  for (int i = 0; i < 20; ++i) {
    auto end = wait_end(*at_, submit(*at_, "a goal"));
    EXPECT_EQ(end.state, "done") << end.reason;
    EXPECT_EQ(end.answer, "little");
  }
}

TEST_F(NodeEngines, ACancelledJobIsCancelledUpstream) {
  small_.set_handler([](const stub_request&) {
    auto answer = stub_answer::say("ab", 2);
    answer.end = stub_end::stall;
    answer.after_tokens = 1;
    return answer;
  });
  start();
  auto job = submit(*at_, "a goal");
  ASSERT_TRUE(small_.wait([](const stub_counts& c) { return c.open == 2; })) << node_.log();
  ASSERT_TRUE(at_->command(job, schema::JobAction::CANCEL).engaged());
  EXPECT_EQ(wait_end(*at_, job).state, "cancelled");
  EXPECT_TRUE(small_.wait([](const stub_counts& c) { return c.open == 0 && c.cancelled == 2; }));
}

TEST_F(NodeEngines, AKilledNodeLeavesNothingRunningUpstream) {
  small_.set_handler([](const stub_request&) { return stub_answer::never(); });
  start();
  static_cast<void>(submit(*at_, "a goal"));
  ASSERT_TRUE(small_.wait([](const stub_counts& c) { return c.open == 2; })) << node_.log();
  at_.reset();
  node_.kill9();
  EXPECT_TRUE(small_.wait([](const stub_counts& c) { return c.open == 0; }));
}

TEST_F(NodeEngines, StepsStartWhileThePlanIsWritten) {
  // The plan stalls behind its first step for as long as that step has not run.
  auto plan = layered_plan({2, 1});
  large_.set_handler([plan](const stub_request& request) {
    if (request.system != "plan") return stub_answer::say("large");
    auto answer = stub_answer::say(plan, 4);
    answer.end = stub_end::stall;
    answer.after_tokens = 3;
    return answer;
  });
  start();
  auto job = submit(*at_, "a goal");
  EXPECT_TRUE(small_.wait([](const stub_counts& c) { return c.requests >= 1; })) << node_.log();
  EXPECT_EQ(large_.counts().open, 1);
  ASSERT_TRUE(at_->command(job, schema::JobAction::CANCEL).engaged());
  EXPECT_EQ(wait_end(*at_, job).state, "cancelled");
  EXPECT_TRUE(large_.wait([](const stub_counts& c) { return c.open == 0; }));
}

TEST_F(NodeEngines, AServerThatIsAwayAndComesBackIsUsedAgain) {
  start();
  EXPECT_EQ(wait_end(*at_, submit(*at_, "a goal")).answer, "little");
  small_.stop();
  EXPECT_EQ(wait_end(*at_, submit(*at_, "a goal")).state, "done");
  small_.start();
  auto before = small_.counts().requests;
  for (int tries = 0; tries < 200 && small_.counts().requests == before; ++tries) {
    auto end = wait_end(*at_, submit(*at_, "a goal"));
    EXPECT_EQ(end.state, "done") << end.reason;
  }
  EXPECT_GT(small_.counts().requests, before);
}

/// A copy that waited for its time to be over, and not for the pool's word, would come too late.
TEST_F(NodeEngines, AManagedServerHasCopiesWhileCallsWait) {
  node_.start(models + engine("large-0", "big", large_) +
              R"(
[[engine]]
name = "own"
kind = "managed"
model = "little"
path = "/dev/null"
weight_version = "v1"
concurrency = 1
adaptive = false
[engine.http]
health_interval = "50ms"
[engine.process]
command = [")" TANDEM_BIN_DIR
              R"(/stub_engine", "--kind", "llama.cpp", "--model", "little", "--port", "{port}",
           "--answer", "little", "--delay-us", "200000"]
[engine.scale]
max = 3
queue_delay = "100ms"
grow_after = "200ms"
shrink_after = "2s"
warm = "5min"
)");
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  at_ = std::make_unique<client>(connect(node_));
  constexpr std::chrono::seconds patience{60};
  auto count = [&] {
    auto topology = at_->topology();
    auto serving = 0;
    for (auto node : topology->read()->getNodes())
      for (auto each : node.getEngines())
        if (view(each.getName()).starts_with("own") && each.getHealth() == schema::Health::HEALTHY)
          ++serving;
    return serving;
  };
  ASSERT_TRUE(wait_until(patience, [&] { return count() == 1; })) << node_.log();
  std::vector<job_id> jobs;
  for (int i = 0; i < 30; ++i) jobs.push_back(submit(*at_, "goal " + std::to_string(i)));
  EXPECT_TRUE(wait_until(patience, [&] { return count() >= 2; })) << node_.log();
  for (auto each : jobs) EXPECT_EQ(wait_end(*at_, each).state, "done") << node_.log();
  EXPECT_TRUE(wait_until(patience, [&] { return count() == 1; })) << node_.log();
}

}  // namespace
}  // namespace tandem::test
