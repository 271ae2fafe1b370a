// A node with a collector of traces: a job is one trace, from the client to the engines.

#include <algorithm>
#include <map>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/trace/traceparent.hpp"
#include "tests/support/node_client.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/stub_collector.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::test {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* tiers = R"(
[node]
listen = "127.0.0.1:0"
[hedging]
share = 0.0
[[model]]
name = "big"
tier = "large"
plan_system = "plan"
step_system = "act"
[[model]]
name = "little"
tier = "small"
plan_system = "plan"
step_system = "act"
)";

constexpr trace_context from_client{0x0123456789abcdef, 0xfedcba9876543210, 0x1111222233334444,
                                    true};
constexpr const char* client_trace = "0123456789abcdeffedcba9876543210";

class NodeTraces : public ::testing::Test {
 protected:
  void start(const std::string& more = {}) {
    auto plan = layered_plan({2, 1});
    auto answer = plan_act([plan](auto) { return plan; }, [](auto) { return "done"; });
    engine_.set_handler([this, answer](const stub_request& request) {
      const std::lock_guard lock{mutex_};
      parents_.emplace_back(request.header("traceparent"));
      return answer(request);
    });
    auto engine = [this](const std::string& name, const std::string& model) {
      return "[[engine]]\nname = \"" + name + "\"\nkind = \"http\"\nmodel = \"" + model +
             "\"\n[engine.http]\nurl = \"" + engine_.url() + "\"\nserved_model = \"stub\"\n";
    };
    node_.start(tiers + engine("large-0", "big") + engine("small-0", "little") +
                "[traces]\notlp = \"" + collector_.url() + "\"\ninterval = \"10ms\"\n" + more);
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
    at_ = std::make_unique<client>(connect(node_));
  }

  outcome run(const trace_context& trace) {
    auto job = at_->submit(submission{.goal = "a goal", .trace = trace});
    EXPECT_TRUE(job);
    return wait_end(*at_, *job);
  }

  std::vector<std::string> parents() {
    const std::lock_guard lock{mutex_};
    return parents_;
  }

  std::mutex mutex_;
  std::vector<std::string> parents_;
  stub_engine engine_;
  stub_collector collector_;
  node_process node_{TANDEM_BIN_DIR};
  std::unique_ptr<client> at_;
};

/// From a span up to the client's: their names.
std::vector<std::string> path_of(const std::map<std::string, collected_span>& spans,
                                 std::string id) {
  std::vector<std::string> names;
  while (names.size() < 20) {
    auto found = spans.find(id);
    if (found == spans.end()) break;
    names.push_back(found->second.name);
    id = found->second.parent;
  }
  names.push_back(id == hex16(from_client.span) ? "client" : "lost " + id);
  return names;
}

TEST_F(NodeTraces, AJobIsOneTraceFromTheClientToTheEngines) {
  start();
  ASSERT_EQ(run(from_client).state, "done");
  ASSERT_TRUE(collector_.wait_for("job")) << node_.log();
  std::map<std::string, collected_span> spans;
  for (const auto& each : collector_.spans()) {
    EXPECT_EQ(each.trace, client_trace) << each.name;
    EXPECT_TRUE(spans.emplace(each.id, each).second) << "two spans have the id " << each.id;
  }
  // A plan, three steps, and each of them once in the job, the pool and the engine.
  EXPECT_EQ(spans.size(), 13u);
  auto received = parents();
  ASSERT_EQ(received.size(), 4u);
  for (const auto& header : received) {
    auto parent = parse_traceparent(header);
    ASSERT_TRUE(parent) << header;
    EXPECT_TRUE(parent->sampled);
    auto path = path_of(spans, hex16(parent->span));
    ASSERT_EQ(path.size(), 5u) << ::testing::PrintToString(path);
    EXPECT_THAT(path[0], StartsWith("chat "));
    EXPECT_EQ(path[1], "attempt");
    EXPECT_EQ(path[3], "job");
    EXPECT_EQ(path[4], "client");
  }
  for (const auto& [id, each] : spans) {
    if (each.name != "chat little") continue;
    EXPECT_EQ(each.kind, 3);
    EXPECT_THAT(each.attributes, IsSupersetOf({std::string{R"(gen_ai.operation.name="chat")"},
                                               std::string{R"(gen_ai.request.model="little")"},
                                               std::string{R"(tandem.tier="small")"},
                                               std::string{R"(tandem.engine="small-0")"}}));
    EXPECT_THAT(each.events, Contains("first_token"));
    EXPECT_THAT(each.attributes, Not(Contains(StartsWith("tandem.answer"))));
  }
}

TEST_F(NodeTraces, AClientThatWantsNoTraceIsPassedOnAndNotRecorded) {
  start();
  auto quiet = from_client;
  quiet.sampled = false;
  ASSERT_EQ(run(quiet).state, "done");
  for (const auto& header : parents()) {
    auto parent = parse_traceparent(header);
    ASSERT_TRUE(parent) << header;
    EXPECT_FALSE(parent->sampled);
    EXPECT_EQ(hex16(parent->high) + hex16(parent->low), client_trace);
  }
  ASSERT_EQ(run({}).state, "done");
  ASSERT_TRUE(collector_.wait_for("job")) << node_.log();
  for (const auto& each : collector_.spans()) EXPECT_NE(each.trace, client_trace);
}

TEST_F(NodeTraces, AJobGoesOnInItsTraceAfterAKill) {
  start("texts = true\n");
  engine_.push(stub_answer::never());
  auto job = at_->submit(submission{.goal = "a goal", .trace = from_client});
  ASSERT_TRUE(job);
  ASSERT_TRUE(engine_.wait([](const stub_counts& counts) { return counts.requests == 1; }));
  at_.reset();
  node_.kill9();
  node_.start();
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  at_ = std::make_unique<client>(connect(node_));
  ASSERT_EQ(wait_end(*at_, *job).state, "done");
  ASSERT_TRUE(collector_.wait_for("job")) << node_.log();
  auto spans = collector_.spans();
  for (const auto& each : spans) EXPECT_EQ(each.trace, client_trace) << each.name;
  auto found =
      std::find_if(spans.begin(), spans.end(), [](const auto& each) { return each.name == "job"; });
  EXPECT_EQ(found->parent, hex16(from_client.span));
  EXPECT_THAT(found->attributes, Contains(R"(tandem.goal="a goal")"));
}

}  // namespace
}  // namespace tandem::test
