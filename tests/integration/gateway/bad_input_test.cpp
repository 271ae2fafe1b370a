// What comes from outside and is wrong: each the right answer, and the node goes on.

#include "tests/integration/engines/plain_socket.hpp"
#include "tests/integration/gateway/gateway_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class GatewayBadInput : public GatewayNode {
 protected:
  void SetUp() override { start("body_bytes_max = \"256KiB\"\n"); }
  void TearDown() override { EXPECT_EQ(web().get("/healthz").status, 200) << node_.log(); }

  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(std::stoul(node_.http().substr(node_.http().rfind(':') + 1)));
  }
  [[nodiscard]] std::string raw(std::string_view bytes) const {
    plain_socket socket{port()};
    socket.send(bytes);
    return socket.read_all();
  }
};

TEST_F(GatewayBadInput, WrongTypesAreRefusedWithTheFieldsName) {
  struct wrong {
    const char* path;
    const char* body;
    const char* param;
  };
  const std::string_view chat = "/v1/chat/completions";
  for (const auto& [path, body, param] : std::initializer_list<wrong>{
           {chat.data(), R"({"model":7,"messages":[]})", "model"},
           {chat.data(), R"({"model":"small"})", "messages"},
           {chat.data(), R"({"model":"small","messages":{}})", "messages"},
           {chat.data(), R"({"model":"small","messages":[{"role":"user","content":7}]})",
            "messages[0].content"},
           {chat.data(), R"({"model":"small","messages":[{"role":"x","content":"x"}]})",
            "messages[0].role"},
           {chat.data(),
            R"({"model":"small","messages":[{"role":"user","content":"x"}],"stream":"yes"})",
            "stream"},
           {chat.data(),
            R"({"model":"small","messages":[{"role":"user","content":"x"}],"max_tokens":-1})",
            "max_tokens"},
           {chat.data(),
            R"({"model":"small","messages":[{"role":"user","content":"x"}],"temperature":1e99})",
            "temperature"},
           {chat.data(),
            R"({"model":"small","messages":[{"role":"user","content":"x"}],"tandem":[]})",
            "tandem"},
           {"/v1/responses", R"({"model":"small"})", "input"},
           {"/v1/responses", R"({"model":"small","input":[7]})", "input[0]"},
           {"/v1/embeddings", R"({"model":"small"})", "input"},
           {"/v1/jobs", R"({"goal":7})", "goal"},
           {"/v1/jobs", R"({"goal":"x","mode":"fast"})", "mode"},
           {"/v1/jobs", R"({"goal":"x","budget_usd":"all"})", "budget_usd"},
           {"/v1/jobs", R"({"goal":"x","messages":[{"role":"user","content":"x"}]})", "messages"},
           {"/v1/jobs", R"({"goal":"x","goal":"y"})", "goal"},
           {"/v1/jobs", R"({})", "goal"}}) {
    auto answer = web().post(path, body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    json_document error{answer.body};
    EXPECT_EQ(error.text("/error/type"), "invalid_request_error") << body;
    EXPECT_EQ(error.text("/error/param"), param) << answer.body;
  }
}

TEST_F(GatewayBadInput, WhatIsNoJsonIsRefused) {
  auto nested = std::string(10'000, '[') + std::string(10'000, ']');
  auto deep = std::string{R"({"model":"small","messages":)"} + nested + "}";
  auto objects = std::string{};
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  objects += "1" + std::string(10'000, '}');
  for (std::string path :
       {"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/jobs", "/v1/feedback"})
    for (const auto& body :
         {std::string{}, std::string{"{"}, std::string{"[]"}, std::string{"null"}, nested, deep,
          objects, std::string{"{\"model\":\"small\",\"goal\":\"\xff\xfe\"}"},
          std::string{"{\"model\":\"\\ud800\",\"goal\":\"\\ud800\"}"}, std::string(100, '\0')}) {
      auto answer = web().post(path, body);
      EXPECT_EQ(answer.status, 400) << path << " " << body.substr(0, 60) << answer.body;
      EXPECT_EQ(json_document{answer.body}.text("/error/type"), "invalid_request_error");
    }
}

TEST_F(GatewayBadInput, AGoalWithTheCharacterZeroIsRefused) {
  auto answer = web().post("/v1/jobs", R"({"goal":"x\u0000y"})");
  EXPECT_EQ(answer.status, 400) << answer.body;
  EXPECT_EQ(json_document{answer.body}.text("/error/code"), "invalid_json");
}

TEST_F(GatewayBadInput, WhatIsTooLargeIs413OrSaysItsField) {
  auto large = chat_body("small", std::string(300 * 1024, 'x'));
  EXPECT_EQ(web().post("/v1/chat/completions", large).status, 413);
  EXPECT_EQ(web().post("/v1/jobs", large).status, 413);
  auto header = web().get("/healthz", {"X-Long: " + std::string(40'000, 'x')});
  EXPECT_EQ(header.status, 431);
  auto goal = web().post("/v1/jobs", R"({"goal":")" + std::string(200 * 1024, 'x') + "\"}");
  EXPECT_EQ(goal.status, 400) << goal.body;
  EXPECT_THAT(goal.body, HasSubstr("jobs.goal_bytes_max"));
  auto chat = chat_body("tandem", std::string(200 * 1024, 'x'),
                        R"(,"tandem":{"mode":"small","client_key":"k"})");
  auto refused = web().post("/v1/chat/completions", chat);
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("jobs.goal_bytes_max"));
}

TEST_F(GatewayBadInput, UnknownFieldsAreTakenAndNamedInAHeader) {
  auto answer =
      web().post("/v1/chat/completions", chat_body("small", "x", R"(,"wish":1,"b\r\nc: d":2)"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.headers["tandem-warning"], HasSubstr("wish"));
  EXPECT_EQ(answer.headers.count("c"), 0u);
}

TEST_F(GatewayBadInput, WhatCouldBeSmuggledIsRefusedAndTheConnectionClosed) {
  const std::string head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& bytes :
       {head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        head + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        head + "Host: localhost\r\nContent-Length: 0\r\n\r\n",
        std::string{"GET /healthz HTTP/1.1\r\n\r\n"},
        head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", head + "Content-Length: -1\r\n\r\n",
        std::string{"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n"},
        std::string{"\x16\x03\x01 nonsense\r\n\r\n"}}) {
    auto answer = raw(bytes);
    EXPECT_THAT(answer, ::testing::AnyOf(StartsWith("HTTP/1.1 400"), StartsWith("HTTP/1.1 505"),
                                         StartsWith("HTTP/1.1 501")))
        << bytes;
    // One answer, whatever came behind it.
    EXPECT_EQ(answer.find("\r\nDate:"), answer.rfind("\r\nDate:")) << answer;
  }
}

TEST_F(GatewayBadInput, PathsLeadNowhereElse) {
  for (std::string path : {"/../etc/passwd", "/assets/../../etc/passwd", "/assets/%2e%2e%2fpasswd",
                           "/v1/jobs/%00", "/v1//jobs", "/v1/jobs/a/b/c/d", "//v1/models"}) {
    auto answer = web().get(path);
    EXPECT_GE(answer.status, 400) << path << answer.body;
    EXPECT_LT(answer.status, 500) << path << answer.body;
  }
  auto wrong = web().send({.method = "DELETE", .path = "/v1/jobs"});
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.headers["allow"], HasSubstr("POST"));
}

}  // namespace
}  // namespace tandem::test
