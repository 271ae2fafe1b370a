// What clients see of engines that break off, are busy or never stop, of a node that is drained,
// and of those who do not read.

#include "tests/integration/engines/plain_socket.hpp"
#include "tests/integration/gateway/gateway_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GatewayEngines : public GatewayNode {
 protected:
  void SetUp() override { start(); }

  /// A server that broke off is left alone until it says that it is well.
  [[nodiscard]] web_answer ask_until_served(const std::string& path, const std::string& body) {
    web_answer answer;
    EXPECT_TRUE(wait_until(std::chrono::seconds{30}, [&] {
      answer = web().post(path, body);
      return answer.status != 503;
    }));
    return answer;
  }
  [[nodiscard]] plain_socket connect_raw() const {
    return plain_socket{
        static_cast<std::uint16_t>(std::stoul(node_.http().substr(node_.http().rfind(':') + 1)))};
  }
};

constexpr const char* streamed = R"(,"stream":true)";

TEST_F(GatewayEngines, AStreamThatBreaksOffEndsWithAnErrorEvent) {
  for (auto how : {stub_end::reset, stub_end::close, stub_end::error_event}) {
    auto answer = stub_answer::say("one two three four", 4);
    answer.after_tokens = 2;
    answer.end = how;
    if (how == stub_end::error_event) answer.body = R"({"error":{"message":"boom"}})";
    engine_.set_handler([answer](const stub_request&) { return answer; });
    auto chat = ask_until_served("/v1/chat/completions", chat_body("small", "x", streamed));
    EXPECT_EQ(chat.status, 200);
    EXPECT_THAT(chat.body, HasSubstr("one"));
    EXPECT_THAT(chat.body, HasSubstr(R"(data: {"error":)"));
    EXPECT_THAT(chat.body, Not(HasSubstr(R"("finish_reason":"stop")")));
    auto response =
        ask_until_served("/v1/responses", R"({"model":"small","input":"x","stream":true})");
    EXPECT_THAT(response.body, HasSubstr("event: response.failed"));
    EXPECT_THAT(response.body, Not(HasSubstr("event: response.completed")));
    auto whole = web().post("/v1/chat/completions", chat_body("small", "x"));
    EXPECT_THAT(whole.status, ::testing::AnyOf(502, 503)) << whole.body;
  }
}

TEST_F(GatewayEngines, ABusyEngineSaysWhenToComeBack) {
  for (int status : {429, 503}) {
    engine_.set_handler([status](const stub_request&) {
      return stub_answer::error(status, R"({"error":{"message":"busy"}})", "Retry-After: 7\r\n");
    });
    for (const auto* more : {"", streamed}) {
      auto answer = web().post("/v1/chat/completions", chat_body("small", "x", more));
      EXPECT_THAT(answer.status, ::testing::AnyOf(429, 503)) << answer.body;
      EXPECT_NE(answer.headers["retry-after"], "") << answer.body;
      EXPECT_THAT(answer.body, HasSubstr(R"("error")"));
    }
  }
}

TEST_F(GatewayEngines, ASlowReaderHoldsOnlyItself) {
  auto flood = stub_answer::say("", 0);
  flood.content_type = "text/event-stream";
  flood.body = R"(data: {"choices":[{"index":0,"delta":{"content":")" + std::string(4000, 'x') +
               "\"},\"finish_reason\":null}]}\n\n";
  flood.end = stub_end::endless;
  engine_.set_handler([flood](const stub_request& request) {
    return request.user == "flood" ? flood : stub_answer::say("quick", 1);
  });
  auto socket = connect_raw();
  auto body = chat_body("small", "flood", streamed);
  socket.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open >= 1; }));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(web().post("/v1/chat/completions", chat_body("small", "x")).status, 200);
  // What it does not read ends its answer, and the engine's work.
  EXPECT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 0; }));
}

TEST_F(GatewayEngines, ADrainedNodeIsAliveButNotReady) {
  EXPECT_EQ(web().get("/healthz").status, 200);
  EXPECT_EQ(web().get("/readyz").status, 200) << web().get("/readyz").body;
  // It leaves when its work is done.
  auto job = submit(web(), R"({"goal":"wait","mode":"small"})");
  child_process drain{tandem_options(
      {"drain", node_.name(), "--tls", node_.tls_dir().string(), "--node", node_.address()})};
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
    auto answer = web().get("/readyz");
    return answer.status == 503 && answer.body == "draining\n";
  })) << drain.log();
  EXPECT_EQ(web().get("/healthz").status, 200);
  EXPECT_EQ(state_of(web(), job), "running");
}

TEST_F(GatewayEngines, TheMetricsPageIsWhatPrometheusReads) {
  EXPECT_EQ(web().post("/v1/chat/completions", chat_body("small", "x")).status, 200);
  EXPECT_EQ(web().post("/v1/chat/completions", chat_body("none", "x")).status, 404);
  end_of(web(), submit(web(), R"({"goal":"do it","mode":"plan_act"})"));
  auto page = web().get("/metrics");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_THAT(page.headers["content-type"], HasSubstr("text/plain"));
  EXPECT_THAT(page.body, HasSubstr("tandem_"));
  auto checked =
      run({.program = "/usr/bin/promtool", .arguments = {"check", "metrics"}, .input = page.body});
  EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace tandem::test
