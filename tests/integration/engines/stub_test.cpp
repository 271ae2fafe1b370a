// The stub does what tests rely on it to do; over plain sockets, so that no client of ours can hide
// a mistake.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/engines/plain_socket.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view plain =
    R"({"model":"m","messages":[{"role":"system","content":"act"},{"role":"user","content":"hi"}]})";
constexpr std::string_view streamed =
    R"({"messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}})";
constexpr std::string_view stream_end = "data: [DONE]\n\n\r\n0\r\n\r\n";

TEST(StubEngine, AnswersPlainRequestsOnAConnectionThatStays) {
  stub_engine stub;
  plain_socket to{stub.port()};
  for (int i = 0; i < 3; ++i) {
    to.ask(plain);
    EXPECT_THAT(to.read_to("}}}"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                         HasSubstr(R"("content":"hi"},"finish_reason":"stop")"),
                                         HasSubstr(R"("completion_tokens":1)")));
  }
  auto seen = stub.counts();
  EXPECT_EQ(seen.requests, 3);
  EXPECT_EQ(seen.connections, 1);
  EXPECT_EQ(seen.open, 0);
  EXPECT_EQ(stub.asked("hi"), 3);
}

TEST(StubEngine, StreamsPiecesUsageAndDone) {
  stub_engine stub;
  stub.push(stub_answer::say("a\xC3\xA4o", 3));
  plain_socket to{stub.port()};
  to.ask(streamed);
  EXPECT_THAT(to.read_to(stream_end),
              AllOf(HasSubstr(R"("content":"a")"), HasSubstr("\"content\":\"\xC3\xA4\""),
                    HasSubstr(R"("content":"o")"), HasSubstr(R"("completion_tokens":3)"),
                    EndsWith(stream_end)));
  EXPECT_EQ(stub.counts().tokens_written, 3);
}

TEST(StubEngine, PacesTokens) {
  stub_engine stub;
  stub.push(stub_answer::say("0123456789", 10, 200));
  plain_socket to{stub.port()};
  auto start = std::chrono::steady_clock::now();
  to.ask(streamed);
  EXPECT_THAT(to.read_to(stream_end), EndsWith(stream_end));
  // Nine gaps of 5 ms: an upper bound would be the machine's, not the stub's.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{45});
}

TEST(StubEngine, LiesAboutUsageAsToldTo) {
  stub_engine stub;
  auto answer = stub_answer::say("x");
  answer.usage = R"({"prompt_tokens":-5,"completion_tokens":"many"})";
  stub.push(answer);
  answer.usage = "";
  stub.push(answer);
  plain_socket to{stub.port()};
  to.ask(plain);
  EXPECT_THAT(to.read_to("}}"), HasSubstr(R"("usage":{"prompt_tokens":-5,)"));
  to.ask(plain);
  EXPECT_THAT(to.read_to("]}"), Not(HasSubstr("usage")));
}

TEST(StubEngine, RefusesWithStatusHeadersAndBody) {
  stub_engine stub;
  stub.push(stub_answer::error(429, "busy", "Retry-After: 7\r\n"));
  plain_socket to{stub.port()};
  to.ask(streamed);
  EXPECT_THAT(to.read_to("busy"),
              AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("\r\nRetry-After: 7\r\n")));
}

TEST(StubEngine, EndsStreamsInEveryBadWay) {
  stub_engine stub;
  auto answer = stub_answer::say("abcd", 4);
  answer.after_tokens = 2;
  auto run = [&](stub_end end) {
    answer.end = end;
    stub.push(answer);
    plain_socket to{stub.port()};
    to.ask(streamed);
    auto all = to.read_all();
    EXPECT_EQ(to.was_reset(), end == stub_end::reset);
    return all;
  };
  EXPECT_THAT(run(stub_end::close), AllOf(HasSubstr(R"(:"b")"), Not(HasSubstr(R"(:"c")"))));
  EXPECT_THAT(run(stub_end::reset), AllOf(HasSubstr(R"(:"b")"), Not(HasSubstr(R"(:"c")"))));
  EXPECT_THAT(run(stub_end::no_done),
              AllOf(HasSubstr(R"(:"d")"), Not(HasSubstr("DONE")), EndsWith("0\r\n\r\n")));
  answer.body = R"({"error":{"message":"out of memory"}})";
  EXPECT_THAT(run(stub_end::error_event),
              AllOf(HasSubstr("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"),
                    Not(HasSubstr("DONE"))));
  EXPECT_EQ(stub.counts().cut, 4);
}

TEST(StubEngine, CutsAfterSoManyBytes) {
  stub_engine stub;
  auto answer = stub_answer::say("abcd", 4);
  answer.cut_bytes = 100;
  stub.push(answer);
  plain_socket to{stub.port()};
  to.ask(streamed);
  EXPECT_EQ(to.read_all().size(), 100);
}

TEST(StubEngine, SeesThatAClientLeavesAStalledStream) {
  stub_engine stub;
  auto answer = stub_answer::say("abcd", 4);
  answer.end = stub_end::stall;
  answer.after_tokens = 1;
  stub.push(answer);
  stub.push(stub_answer::never());
  plain_socket first{stub.port()};
  plain_socket second{stub.port()};
  first.ask(streamed);
  ASSERT_THAT(first.read_to("}\n\n\r\n"), HasSubstr("data: "));
  second.ask(plain);
  ASSERT_TRUE(stub.wait([](const stub_counts& c) { return c.open == 2; }));
  first.close();
  second.close();
  EXPECT_TRUE(stub.wait([](const stub_counts& c) { return c.open == 0 && c.cancelled == 2; }));
}

TEST(StubEngine, FloodsForAsLongAsSomebodyReads) {
  stub_engine stub;
  auto flood =
      stub_answer::bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", stub_end::endless);
  flood.body = "data: xxxxxxxxxxxxxxxx";
  flood.cut_bytes = 10'000'000;
  stub.push(flood);
  plain_socket to{stub.port()};
  to.ask(streamed);
  EXPECT_EQ(to.read_all().size(), 10'000'000);
}

TEST(StubEngine, SendsRecordedBytesAndCloses) {
  stub_engine stub;
  stub.push(stub_answer::bytes("HTTP/1.1 200 OK\r\nX: \xFF\r\n\r\n<html>"));
  plain_socket to{stub.port()};
  to.ask(plain);
  EXPECT_EQ(to.read_all(), "HTTP/1.1 200 OK\r\nX: \xFF\r\n\r\n<html>");
}

TEST(StubEngine, ClosesKeptConnectionsWhenTold) {
  stub_engine stub{{.answers_per_connection = 1}};
  plain_socket to{stub.port()};
  to.ask(plain);
  ASSERT_THAT(to.read_to("}}}"), StartsWith("HTTP/1.1 200"));
  to.ask(plain);
  EXPECT_EQ(to.read_all(), "");
  plain_socket idle{stub.port()};
  ASSERT_TRUE(stub.wait([](const stub_counts& c) { return c.connections_open == 1; }));
  stub.close_idle();
  EXPECT_EQ(idle.read_all(), "");
}

TEST(StubEngine, ListensAgainOnItsPortAsAnotherModel) {
  stub_engine stub;
  auto port = stub.port();
  plain_socket cut{port};
  cut.ask(plain);
  ASSERT_NE(cut.read_to("}}}"), "");
  stub.stop();
  EXPECT_EQ(cut.read_all(), "");
  EXPECT_THROW(plain_socket{port}, std::exception);
  stub.start();
  stub.set_model("other", "2");
  plain_socket to{port};
  to.get("/v1/models");
  EXPECT_THAT(to.read_to("]}"), HasSubstr(R"("id":"other")"));
}

TEST(StubEngine, ClosesOrIgnoresWhatItAccepts) {
  stub_engine stub;
  stub.set_accept(stub_accept::close);
  plain_socket closed{stub.port()};
  EXPECT_EQ(closed.read_all(), "");
  stub.set_accept(stub_accept::ignore);
  plain_socket ignored{stub.port()};
  ignored.ask(plain);
  ASSERT_TRUE(stub.wait([](const stub_counts& c) { return c.connections == 2; }));
  EXPECT_EQ(stub.counts().requests, 0);
  stub.set_accept(stub_accept::normal);
  ignored.close();
}

TEST(StubEngine, AsksForItsKeyAndItsModel) {
  stub_engine stub{{.model = "m", .api_key = "secret", .check_model = true}};
  plain_socket to{stub.port()};
  to.ask(plain);
  EXPECT_THAT(to.read_to("}"), StartsWith("HTTP/1.1 401 "));
  to.ask(plain, "Authorization: Bearer secret\r\n");
  EXPECT_THAT(to.read_to("}}}"), StartsWith("HTTP/1.1 200 "));
  stub.set_model("n", "1");
  to.ask(plain, "Authorization: Bearer secret\r\n");
  EXPECT_THAT(to.read_to("}}"), AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("does not exist")));
}

TEST(StubEngine, SpeaksAsTheServerThatItPretendsToBe) {
  struct {
    stub_kind kind;
    const char* path;
    const char* says;
  } const cases[] = {
      {stub_kind::llama_cpp, "/props", R"("build_info":)"},
      {stub_kind::llama_cpp, "/metrics", "llamacpp:requests_processing 0"},
      {stub_kind::sglang, "/model_info", R"("weight_version":"1")"},
      {stub_kind::sglang, "/v1/loads?format=json", R"("num_running_reqs":0)"},
      {stub_kind::sglang, "/props", "404"},
      {stub_kind::vllm, "/version", R"({"version":)"},
      {stub_kind::vllm, "/load", R"({"server_load":0})"},
      {stub_kind::vllm, "/server_info", "404"},
      {stub_kind::openai, "/version", "404"},
      {stub_kind::openai, "/v1/models", R"("id":"stub")"},
  };
  for (const auto& each : cases) {
    stub_engine stub{{.kind = each.kind}};
    plain_socket to{stub.port()};
    to.send("GET " + std::string{each.path} + " HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(stub.wait([](const stub_counts& c) { return c.other_requests == 1; }));
    // Closes once it has answered.
    stub.close_idle();
    auto answer = to.read_all();
    EXPECT_THAT(answer, HasSubstr(each.says)) << each.path;
  }
  stub_engine loading;
  loading.set_loading(true);
  plain_socket to{loading.port()};
  to.get("/health");
  EXPECT_THAT(to.read_to("}}"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Loading model")));
}

TEST(StubEngine, MakesLayeredPlans) {
  EXPECT_EQ(layered_plan({1, 2}), R"({"steps":[{"id":1,"prompt":"step 1","depends_on":[]},)"
                                  R"({"id":2,"prompt":"step 2","depends_on":[1]},)"
                                  R"({"id":3,"prompt":"step 3","depends_on":[1]}]})");
}

}  // namespace
}  // namespace tandem::test
