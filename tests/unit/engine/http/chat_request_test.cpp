#include "actors/engine/http/chat_request.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <simdjson.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

generation_request small_request() {
  generation_request out;
  out.messages = {{schema::Role::SYSTEM, "be brief"}, {schema::Role::USER, "say \"hi\"\n"}};
  out.max_tokens = 24;
  out.seed = 7;
  return out;
}

std::string body_of(const generation_request& request, chat_request_options options = {}) {
  auto body = chat_request_body(request, options);
  EXPECT_TRUE(body) << message_of(body.error());
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(*body).error(), simdjson::SUCCESS) << *body;
  return *body;
}

TEST(ChatRequest, WritesAStreamedRequestWithUsage) {
  EXPECT_EQ(body_of(small_request(), {.model = "m"}),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
            R"("messages":[{"role":"system","content":"be brief"},)"
            R"({"role":"user","content":"say \"hi\"\n"}],)"
            R"("max_tokens":24,"temperature":0,"seed":7})");
}

TEST(ChatRequest, WritesSamplingWhereTheServerTakesIt) {
  auto request = small_request();
  request.temperature = 0.5f;
  request.top_p = 0.25f;
  request.top_k = 40;
  EXPECT_THAT(body_of(request, {.server = server_kind::vllm}),
              HasSubstr(R"("temperature":0.5,"top_p":0.25,"top_k":40)"));
  EXPECT_THAT(body_of(request, {.server = server_kind::openai}), Not(HasSubstr("top_k")));
}

TEST(ChatRequest, WritesTheSchemaAsResponseFormatUnlessTold) {
  auto request = small_request();
  request.response_schema = R"({"type":"object"})";
  EXPECT_THAT(body_of(request),
              HasSubstr(R"("response_format":{"type":"json_schema","json_schema":)"
                        R"({"name":"output","schema":{"type":"object"}}})"));
  EXPECT_THAT(body_of(request, {.constrain = false}), Not(HasSubstr("response_format")));
}

TEST(ChatRequest, RefusesASchemaThatWouldBreakOutOfItsPlace) {
  for (auto schema : {R"({}},"model":"other")", "[]", "x", "{"}) {
    auto request = small_request();
    request.response_schema = schema;
    auto body = chat_request_body(request, {});
    ASSERT_FALSE(body) << schema;
    EXPECT_EQ(code_of(body.error()), errc::invalid_argument);
  }
}

TEST(ChatRequest, EscapesWhateverTheTextHolds) {
  auto request = small_request();
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  request.messages = {{schema::Role::USER, every}, {schema::Role::ASSISTANT, "\\ä\t\x7f"}};
  auto body = body_of(request);
  simdjson::dom::parser parser;
  std::string_view back;
  ASSERT_EQ(parser.parse(body).at_pointer("/messages/1/content").get(back), simdjson::SUCCESS);
  EXPECT_EQ(back, "\\ä\t\x7f");
  ASSERT_EQ(parser.parse(body).at_pointer("/messages/0/content").get(back), simdjson::SUCCESS);
  EXPECT_EQ(back.substr(0, 128), every.substr(0, 128));
}

TEST(ChatRequest, WritesNumbersThatEveryServerTakes) {
  auto request = small_request();
  request.temperature = std::nanf("");
  request.top_p = INFINITY;
  request.seed = ~std::uint64_t{0};
  request.max_tokens = 0;
  auto body = body_of(request);
  EXPECT_THAT(body, Not(HasSubstr("temperature")));
  EXPECT_THAT(body, Not(HasSubstr("max_tokens")));
  EXPECT_THAT(body, HasSubstr(R"("seed":2147483647)"));
}

}  // namespace
}  // namespace tandem
