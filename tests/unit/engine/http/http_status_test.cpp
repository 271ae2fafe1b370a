#include "actors/engine/http/http_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

http_verdict judge(int status, std::string_view body = "") {
  return judge_status(status, body, 3s, "from api_key_file k");
}

TEST(HttpStatus, MakesRefusalsTheCallersFault) {
  for (int status : {400, 401, 402, 403, 404, 405, 409, 413, 422})
    EXPECT_EQ(judge(status).code, errc::invalid_argument) << status;
}

TEST(HttpStatus, TakesBusyServersForBusy) {
  for (int status : {408, 429, 503, 529}) {
    auto verdict = judge(status);
    EXPECT_EQ(verdict.code, errc::overloaded) << status;
    EXPECT_EQ(verdict.retry_after, 3s);
  }
}

TEST(HttpStatus, CountsEverythingElseAgainstTheEngine) {
  for (int status : {500, 501, 502, 504, 599, 300, 304, 0, 700})
    EXPECT_EQ(judge(status).code, errc::engine_failed) << status;
}

TEST(HttpStatus, NamesWhatTheServerSaid) {
  EXPECT_THAT(judge(400, R"({"error":{"code":400,"message":"no messages"}})").text,
              HasSubstr("no messages"));
  EXPECT_THAT(judge(400, R"({"error":"plain words"})").text, HasSubstr("plain words"));
  EXPECT_THAT(judge(400, R"({"object":"error","message":"old vLLM","code":400})").text,
              HasSubstr("old vLLM"));
  EXPECT_THAT(judge(422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})").text,
              HasSubstr("field required"));
  EXPECT_THAT(judge(404, R"({"detail":"Not Found"})").text, HasSubstr("Not Found"));
  EXPECT_THAT(judge(502, "upstream is gone\nmore").text, HasSubstr("upstream is gone"));
}

TEST(HttpStatus, KeepsPagesAndControlBytesOutOfItsText) {
  EXPECT_THAT(judge(502, "<html><body>Bad").text, Not(HasSubstr("<")));
  auto text = judge(400, R"({"error":{"message":"a\n\u001b[31mb"}})").text;
  EXPECT_THAT(text, HasSubstr("a  [31mb"));
  EXPECT_LT(judge(400, R"({"error":")" + std::string(100'000, 'x') + "\"}").text.size(), 600u);
}

TEST(HttpStatus, NamesAContextThatIsTooSmall) {
  auto verdict = judge(
      400, R"({"error":{"code":400,"message":"request (9003 tokens) exceeds the available context )"
           R"(size","type":"exceed_context_size_error","n_prompt_tokens":9003,"n_ctx":4096}})");
  EXPECT_EQ(verdict.code, errc::invalid_argument);
  EXPECT_THAT(verdict.text, HasSubstr("9003 tokens, and it holds 4096"));
  EXPECT_THAT(judge(400, R"({"message":"This model's maximum context length is 10"})").text,
              HasSubstr("does not fit"));
}

TEST(HttpStatus, SaysWhereTheKeyComesFrom) {
  EXPECT_THAT(judge(401).text, HasSubstr("from api_key_file k"));
  EXPECT_THAT(judge(403).text, HasSubstr("from api_key_file k"));
}

TEST(HttpStatus, KnowsAServerThatLoadsItsModel) {
  auto verdict =
      judge(503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})");
  EXPECT_TRUE(verdict.loading);
  EXPECT_EQ(verdict.code, errc::overloaded);
  EXPECT_FALSE(judge(503, "no slot available").loading);
}

TEST(HttpStatus, ReadsRetryAfterWithinBounds) {
  auto now = std::chrono::system_clock::from_time_t(784111777);  // 06 Nov 1994 08:49:37
  EXPECT_EQ(read_retry_after("0", now), 0s);
  EXPECT_EQ(read_retry_after("17", now), 17s);
  EXPECT_EQ(read_retry_after("301", now), 5min);
  EXPECT_EQ(read_retry_after("99999999999999999999999", now), 5min);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), 10s);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), 0s);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 2194 08:49:27 GMT", now), 5min);
  for (auto bad : {"", "-1", "1.5", "soon", "17 s", "Sun, 06 Xxx 1994 08:49:47 GMT",
                   "Sun, 06 Nov 1994 08:49:47 CET", "Sun, 06 ovD 1994 08:49:47 GMT",
                   "Sun, 0x Nov 1994 08:49:47 GMT", "                         GMT"})
    EXPECT_EQ(read_retry_after(bad, now), 0s) << bad;
}

TEST(HttpStatus, ReadsNoErrorWhereThereIsNone) {
  for (auto body : {"", "{}", "[]", "5", "{\"error\":null}", "{\"error\":5}", "{", "\xff"})
    EXPECT_FALSE(read_server_error(body)) << body;
}

}  // namespace
}  // namespace tandem
