#include "actors/engine/http/chat_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;
using state = chat_reply::state;

generation_request asked(std::uint32_t max_tokens = 24) {
  generation_request out;
  out.messages = {{schema::Role::USER, "Plan: clean the data and fit a model."}};
  out.max_tokens = max_tokens;
  return out;
}

std::string delta(std::string_view fields, std::string_view finish = "null") {
  return R"({"choices":[{"finish_reason":)" + std::string{finish} + R"(,"index":0,"delta":{)" +
         std::string{fields} + R"(}}],"object":"chat.completion.chunk"})";
}

std::string usage(std::string_view fields) {
  return R"({"choices":[],"usage":{)" + std::string{fields} + "}}";
}

struct run {
  chat_reply reply{asked(), 4096, "from the file k"};
  state now = state::more;
  std::string text;

  run& event(std::string_view data) {
    EXPECT_EQ(now, state::more) << "before " << data;
    auto news = reply.read_event(data);
    now = news.now;
    text += news.text;
    return *this;
  }
  generation done() {
    event("[DONE]");
    EXPECT_EQ(now, state::done) << reply.verdict().text;
    return std::move(reply).result();
  }
};

/// A stream with this usage, done.
generation with_usage(std::string_view fields) {
  run one;
  one.event(delta(R"("content":"twelve bytes")")).event(delta("", R"("stop")"));
  return one.event(usage(fields)).done();
}

TEST(ChatReply, PutsTheDeltasTogether) {
  run one;
  one.event(delta(R"("role":"assistant","content":null)"));
  one.event(delta(R"("content":"a \"b")")).event(delta(R"("content":"\u00e4")"));
  one.event(delta("", R"("stop")"));
  one.event(usage(R"("completion_tokens":6,"prompt_tokens":65,)"
                  R"("prompt_tokens_details":{"cached_tokens":64})"));
  auto result = one.done();
  EXPECT_EQ(one.text, "a \"bä");
  EXPECT_EQ(result.code, errc::unknown);
  EXPECT_EQ(result.text, "a \"bä");
  EXPECT_EQ(result.finish, schema::Finish::STOP);
  EXPECT_EQ(result.prompt_tokens, 65u);
  EXPECT_EQ(result.cached_prompt_tokens, 64u);
  EXPECT_EQ(result.completion_tokens, 6u);
  EXPECT_EQ(result.error, "");
}

TEST(ChatReply, CallsATokenProgressAndAnEmptyChunkNone) {
  chat_reply reply{asked(), 0, ""};
  EXPECT_FALSE(reply.read_event(delta(R"("role":"assistant","content":null)")).progressed);
  EXPECT_FALSE(reply.read_event(delta(R"("content":"")")).progressed);
  EXPECT_TRUE(reply.read_event(delta(R"("reasoning_content":"hm")")).progressed);
  EXPECT_TRUE(reply.read_event(delta(R"("content":"x")")).progressed);
  EXPECT_TRUE(reply.read_event(delta("", R"("stop")")).progressed);
}

TEST(ChatReply, SaysWhenTheLimitCutTheText) {
  run one;
  auto result = one.event(delta(R"("content":"x")")).event(delta("", R"("length")")).done();
  EXPECT_EQ(result.code, errc::unknown);
  EXPECT_EQ(result.finish, schema::Finish::LENGTH);
}

TEST(ChatReply, ReadsAnAnswerThatWasNotStreamed) {
  chat_reply reply{asked(), 0, ""};
  auto news = reply.read_answer(
      R"({"choices":[{"finish_reason":"length","index":0,"message":{"role":"assistant",)"
      R"("content":"hello"}}],"usage":{"completion_tokens":24,"prompt_tokens":65}})");
  EXPECT_EQ(news.now, state::done);
  EXPECT_EQ(news.text, "hello");
  auto result = std::move(reply).result();
  EXPECT_EQ(result.text, "hello");
  EXPECT_EQ(result.finish, schema::Finish::LENGTH);
  EXPECT_EQ(result.completion_tokens, 24u);
}

TEST(ChatReply, TakesTheFirstChoiceAlone) {
  run one;
  one.event(R"({"choices":[{"index":1,"delta":{"content":"other"}}]})");
  one.event(delta(R"("content":"ours")")).event(delta("", R"("stop")"));
  EXPECT_EQ(one.done().text, "ours");
}

TEST(ChatReply, FailsOnAnErrorEvent) {
  run one;
  one.event(delta(R"("content":"x")"));
  one.event(
      R"({"error":{"code":500,"message":"does not match the format","type":"server_error"}})");
  EXPECT_EQ(one.now, state::failed);
  EXPECT_EQ(one.reply.verdict().code, errc::engine_failed);
  EXPECT_THAT(one.reply.verdict().text, HasSubstr("does not match the format"));
  auto result = std::move(one.reply).result(errc::engine_failed, "e");
  EXPECT_EQ(result.finish, schema::Finish::ERROR);
  EXPECT_EQ(result.completion_tokens, 1u);
}

TEST(ChatReply, KnowsTheCallersFaultInAnErrorEvent) {
  run one;
  one.event(R"({"error":{"code":400,"message":"bad","type":"exceed_context_size_error",)"
            R"("n_prompt_tokens":9003,"n_ctx":4096}})");
  EXPECT_EQ(one.reply.verdict().code, errc::invalid_argument);
  EXPECT_THAT(one.reply.verdict().text, HasSubstr("9003 tokens, and it holds 4096"));
}

TEST(ChatReply, FailsOnWrongTypes) {
  for (std::string event :
       {R"({"choices":5})", R"({"choices":[5]})", R"({"choices":[{"delta":"x"}]})",
        R"({"choices":[{"delta":{"content":[1]}}]})",
        R"({"choices":[{"delta":{},"finish_reason":5}]})", "[]", "5", "{", "hello", "<html>",
        R"({"choices":[{"delta":{"content":"\ud800"}}]})"}) {
    run one;
    one.event(event);
    EXPECT_EQ(one.now, state::failed) << event;
    EXPECT_EQ(one.reply.verdict().code, errc::engine_failed) << event;
    EXPECT_FALSE(one.reply.verdict().text.empty());
  }
}

TEST(ChatReply, FailsOnNestingWithoutEnd) {
  run one;
  one.event(std::string(100'000, '['));
  EXPECT_EQ(one.now, state::failed);
}

TEST(ChatReply, ReplacesInvalidUtf8) {
  run one;
  one.event(
      delta("\"content\":\"a\xff"
            "b\""));
  auto result = one.event(delta("", R"("stop")")).done();
  EXPECT_EQ(result.text,
            "a\xef\xbf\xbd"
            "b");
}

TEST(ChatReply, SkipsEventsThatSayNothing) {
  run one;
  one.event("{}").event(R"({"choices":[]})").event(R"({"usage":null,"choices":[]})");
  EXPECT_EQ(one.now, state::more);
}

TEST(ChatReply, CallsAnAnswerWithoutChoicesEmpty) {
  run one;
  one.event("[DONE]");
  EXPECT_EQ(one.now, state::failed);
  EXPECT_THAT(one.reply.verdict().text, HasSubstr("empty"));
  EXPECT_EQ(chat_reply(asked(), 0, "").read_answer("").now, state::failed);
  EXPECT_EQ(chat_reply(asked(), 0, "").read_answer("{}").now, state::failed);
}

TEST(ChatReply, SaysHowFarACutStreamHadCome) {
  run one;
  EXPECT_THAT(one.reply.cut_verdict().text, HasSubstr("empty"));
  one.event(delta(R"("content":"12345")"));
  EXPECT_THAT(one.reply.cut_verdict().text, HasSubstr("5 bytes"));
  one.event(delta("", R"("stop")"));
  EXPECT_THAT(one.reply.cut_verdict().text, HasSubstr("[DONE]"));
  EXPECT_EQ(one.reply.cut_verdict().code, errc::engine_failed);
}

TEST(ChatReply, DoesNotCountAnAnswerThatTheFilterWithheldAgainstTheEngine) {
  run one;
  one.event(delta("", R"("content_filter")"));
  EXPECT_EQ(one.reply.verdict().code, errc::invalid_argument);
}

TEST(ChatReply, EstimatesWhenTheServerSaysNoUsage) {
  run one;
  auto result = one.event(delta(R"("content":"twelve bytes")")).event(delta("", "\"stop\"")).done();
  EXPECT_EQ(result.completion_tokens, 3u);
  EXPECT_EQ(result.prompt_tokens, 14u);
  EXPECT_THAT(result.error, HasSubstr("estimated"));
}

TEST(ChatReply, EstimatesWhenTheUsageCannotBeTrue) {
  for (
      auto fields :
      {R"("prompt_tokens":-1,"completion_tokens":3)", R"("prompt_tokens":9,"completion_tokens":-3)",
       R"("prompt_tokens":9,"completion_tokens":25)", R"("prompt_tokens":9,"completion_tokens":0)",
       R"("prompt_tokens":99999999,"completion_tokens":3)",
       R"("prompt_tokens":"9","completion_tokens":3)",
       R"("prompt_tokens":9.5,"completion_tokens":3)",
       R"("prompt_tokens":1e300,"completion_tokens":3)", R"("completion_tokens":3)",
       R"("prompt_tokens":18446744073709551615,"completion_tokens":18446744073709551615)",
       R"("prompt_tokens":5000,"completion_tokens":3)",
       R"("prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":10})",
       R"("prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":-1})"}) {
    auto result = with_usage(fields);
    EXPECT_EQ(result.code, errc::unknown);
    EXPECT_EQ(result.completion_tokens, 3u) << fields;
    EXPECT_EQ(result.prompt_tokens, 14u) << fields;
    EXPECT_EQ(result.cached_prompt_tokens, 0u) << fields;
    EXPECT_THAT(result.error, HasSubstr("cannot be believed")) << fields;
  }
}

TEST(ChatReply, BelievesUsageAtTheEdges) {
  EXPECT_EQ(with_usage(R"("prompt_tokens":9,"completion_tokens":24)").error, "");
  EXPECT_EQ(with_usage(R"("prompt_tokens":0,"completion_tokens":1)").error, "");
  EXPECT_EQ(
      with_usage(R"("prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":null)").error,
      "");
  EXPECT_EQ(with_usage(R"("prompt_tokens":9,"completion_tokens":3,)"
                       R"("prompt_tokens_details":{"cached_tokens":null})")
                .error,
            "");
}

TEST(ChatReply, CountsNothingForARequestThatNeverBegan) {
  chat_reply reply{asked(), 0, ""};
  auto result = std::move(reply).result(errc::cancelled, "cancelled");
  EXPECT_EQ(result.finish, schema::Finish::CANCELLED);
  EXPECT_EQ(result.prompt_tokens, 0u);
  EXPECT_EQ(result.completion_tokens, 0u);
}

TEST(ChatReply, TheLimitOfACallHoldsForEachOfItsAnswers) {
  auto request = asked(10);
  request.completions = 3;
  chat_reply reply{request, 4096, ""};
  constexpr std::string_view three =
      R"({"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},)"
      R"({"index":1,"message":{"content":"b"},"finish_reason":"stop"},)"
      R"({"index":2,"message":{"content":"c"},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":20,"completion_tokens":30}})";
  auto news = reply.read_answer(three);
  ASSERT_EQ(news.now, state::done);
  EXPECT_EQ(news.text, "a");
  auto result = std::move(reply).result();
  EXPECT_EQ(result.completion_tokens, 30u);
  EXPECT_TRUE(result.error.empty()) << result.error;
}

TEST(ChatReply, ToolCallsAndOtherChoicesAreProgressAndCount) {
  run one;
  one.event(delta(R"("content":"","role":"assistant")"));
  for (std::string_view event :
       {R"({"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]})",
        R"({"choices":[{"index":0,"delta":{"function_call":{"arguments":"{"}}}]})",
        R"({"choices":[{"index":1,"delta":{"content":"x"}}]})"})
    EXPECT_TRUE(one.reply.read_event(event).progressed) << event;
  one.event(delta("", R"("tool_calls")"));
  EXPECT_EQ(one.done().completion_tokens, 3u);
}

}  // namespace
}  // namespace tandem
