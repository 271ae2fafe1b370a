#include "openai_fixture.hpp"

namespace tandem {
namespace {

client_chat asking(bool usage = false, std::string body = {}) {
  client_chat out;
  out.model = "tandem \"x\"";
  out.stream = true;
  out.include_usage = usage;
  out.body = std::move(body);
  return out;
}

call_end some_end() {
  call_end out;
  out.text = "an answer";
  out.prompt_tokens = 10;
  out.cached_prompt_tokens = 4;
  out.completion_tokens = 5;
  out.calls = 3;
  out.cost_nanousd = 1'234'567;
  out.cost_all_large_nanousd = 9'000'000'000;
  out.job = "1a-1";
  out.decision = 18'000'000'000'000'000'000u;
  out.first_token_us = 1'500;
  out.total_us = 20'003;
  return out;
}

std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return R"({"choices":[{"finish_reason":)" + std::string{finish} + R"(,"index":0,"delta":)" +
         std::string{delta} + R"(}],"id":"chatcmpl-theirs","object":"chat.completion.chunk"})";
}

constexpr std::string_view usage_chunk =
    R"({"choices":[],"id":"chatcmpl-theirs","object":"chat.completion.chunk","usage":{"prompt_tokens":65}})";

/// All texts of a stream, under one of their names.
std::string joined(const std::vector<sse_event>& events, std::string_view name) {
  std::string out;
  for (const auto& event : events) {
    if (event.data == "[DONE]") continue;
    json_document json{event.data};
    auto pointer = "/choices/0/delta/" + std::string{name};
    if (json.has(pointer)) out += json.at(pointer);
  }
  return out;
}

TEST(ChatWriter, AWholeAnswer) {
  auto writer = make_answer_writer(asking(), "abc", 1'700'000'000);
  json_document json{writer->whole(some_end())};
  EXPECT_EQ(json.at("/id"), "chatcmpl-abc");
  EXPECT_EQ(json.at("/object"), "chat.completion");
  EXPECT_EQ(json.at("/created"), "1700000000");
  EXPECT_EQ(json.at("/model"), "tandem \"x\"");
  EXPECT_EQ(json.at("/choices/0/message/role"), "assistant");
  EXPECT_EQ(json.at("/choices/0/message/content"), "an answer");
  EXPECT_EQ(json.at("/choices/0/finish_reason"), "stop");
  EXPECT_EQ(json.at("/usage/total_tokens"), "15");
  EXPECT_EQ(json.at("/usage/prompt_tokens_details/cached_tokens"), "4");
  EXPECT_EQ(
      json.at("/tandem"),
      R"({"cost_usd":0.001234567,"cost_all_large_usd":9,"calls":3,"job":"1a-1","decision":"18000000000000000000","first_token_ms":1.5,"total_ms":20.003})");
}

TEST(ChatWriter, ACutAnswerSaysSo) {
  auto end = some_end();
  end.finish = schema::Finish::LENGTH;
  auto writer = make_answer_writer(asking(), "abc", 1);
  EXPECT_EQ(json_document{writer->whole(end)}.at("/choices/0/finish_reason"), "length");
  auto events = events_of(in_order({writer->begin(), writer->end(end)}));
  EXPECT_EQ(json_document{events.at(2).data}.at("/choices/0/finish_reason"), "length");
}

TEST(ChatWriter, AServersAnswerStaysAsItIs) {
  auto end = some_end();
  end.body = "{\"id\":\"x\" , \"choices\":[{\"a\":\"}\"}] }\n";
  auto out = make_answer_writer(asking(), "abc", 1)->whole(end);
  EXPECT_TRUE(out.starts_with("{\"id\":\"x\" , \"choices\":[{\"a\":\"}\"}] ,\"tandem\":{"));
  EXPECT_TRUE(out.ends_with("}}\n"));
  EXPECT_EQ(json_document{out}.at("/tandem/calls"), "3");
  EXPECT_EQ(with_extension("{}", call_end{}), R"({"tandem":{}})");
}

TEST(ChatWriter, AStreamIsRoleThenTextThenTheEnd) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto stream = in_order({writer->begin(), writer->reasoning("step 1\n"), writer->text("an "),
                          writer->text("answer"), writer->end(some_end())});
  auto events = events_of(stream);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(json_document{events[0].data}.at("/choices/0/delta/role"), "assistant");
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    json_document json{events[i].data};
    EXPECT_EQ(json.at("/id"), "chatcmpl-abc");
    EXPECT_EQ(json.at("/object"), "chat.completion.chunk");
    EXPECT_EQ(json.at("/created"), "7");
    EXPECT_FALSE(json.has("/usage"));
    EXPECT_EQ(json.at("/choices/0/finish_reason"), i == 4 ? "stop" : "null");
    EXPECT_EQ(json.has("/tandem"), i == 4);
  }
  EXPECT_EQ(joined(events, "content"), "an answer");
  EXPECT_EQ(joined(events, "reasoning_content"), "step 1\n");
  EXPECT_EQ(events[5].data, "[DONE]");
}

TEST(ChatWriter, UsageComesInAChunkOfItsOwnWhenAskedFor) {
  auto writer = make_answer_writer(asking(true), "abc", 7);
  auto events = events_of(in_order({writer->begin(), writer->text("a"), writer->end(some_end())}));
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(json_document{events[1].data}.at("/usage"), "null");
  json_document last{events[3].data};
  EXPECT_EQ(last.at("/choices"), "[]");
  EXPECT_EQ(last.at("/usage/prompt_tokens"), "10");
  EXPECT_EQ(last.at("/tandem/calls"), "3");
}

TEST(ChatWriter, TheTextOfTheEndIsForStreamsWithoutAny) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  EXPECT_EQ(joined(events_of(in_order({writer->begin(), writer->end(some_end())})), "content"),
            "an answer");
  writer = make_answer_writer(asking(), "abc", 7);
  EXPECT_EQ(
      joined(events_of(in_order({writer->begin(), writer->text("other"), writer->end(some_end())})),
             "content"),
      "other");
}

TEST(ChatWriter, CharactersAreNeverCut) {
  std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\n\"\\";
  for (std::size_t size = 1; size <= 4; ++size) {
    auto writer = make_answer_writer(asking(), "abc", 7);
    auto stream = writer->begin();
    for (std::size_t at = 0; at < text.size(); at += size)
      stream += writer->text(std::string_view{text}.substr(at, size));
    stream += writer->end(some_end());
    EXPECT_EQ(joined(events_of(stream), "content"), text);
    EXPECT_EQ(stream.find("\xef\xbf\xbd"), stream.npos);
  }
}

TEST(ChatWriter, WhatIsNoCharacterIsReplaced) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto stream = in_order({writer->begin(), writer->text("a\xff\xc3("), writer->text("b\xe2\x82"),
                          writer->end(some_end())});
  auto text = joined(events_of(stream), "content");
  EXPECT_TRUE(text.starts_with("a\xef\xbf\xbd")) << text;
  EXPECT_TRUE(text.ends_with("\xef\xbf\xbd")) << text;
}

TEST(ChatWriter, AServersChunksGoOutByteForByte) {
  auto writer = make_answer_writer(asking(false, "{}"), "abc", 7);
  EXPECT_EQ(writer->begin(), "");
  auto first = chunk(R"({"role":"assistant","content":"\u00e4 \"finish_reason\":\"stop\""})");
  EXPECT_EQ(writer->event(first), "data: " + first + "\n\n");
  EXPECT_EQ(writer->event(chunk("{}", "\"tool_calls\"")), "");
  EXPECT_EQ(writer->event(usage_chunk), "");
  auto events = events_of(writer->end(some_end()));
  ASSERT_EQ(events.size(), 2u);
  json_document json{events[0].data};
  EXPECT_EQ(json.at("/id"), "chatcmpl-theirs");
  EXPECT_EQ(json.at("/choices/0/finish_reason"), "tool_calls");
  EXPECT_EQ(json.at("/tandem/calls"), "3");
  EXPECT_FALSE(json.has("/usage"));
}

TEST(ChatWriter, AServersUsageIsForThoseWhoAsk) {
  auto writer = make_answer_writer(asking(true, "{}"), "abc", 7);
  auto finish = chunk("{}", "\"stop\"");
  EXPECT_EQ(writer->event(finish), "data: " + finish + "\n\n");
  EXPECT_EQ(writer->event(usage_chunk), "");
  auto events = events_of(writer->end(some_end()));
  ASSERT_EQ(events.size(), 2u);
  json_document json{events[0].data};
  EXPECT_EQ(json.at("/usage/prompt_tokens"), "65");
  EXPECT_EQ(json.at("/tandem/calls"), "3");
}

TEST(ChatWriter, AServerThatCountsNothingIsCounted) {
  auto writer = make_answer_writer(asking(true, "{}"), "abc", 7);
  auto stream = in_order({writer->event(chunk("{}", "\"stop\"")), writer->end(some_end())});
  auto events = events_of(stream);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(json_document{events[1].data}.at("/usage/prompt_tokens"), "10");
}

TEST(ChatWriter, SeveralChoicesEachFinish) {
  auto writer = make_answer_writer(asking(false, "{}"), "abc", 7);
  auto finish = chunk("{}", "\"stop\"");
  auto stream = in_order({writer->event(finish), writer->event(chunk(R"({"content":"b"})")),
                          writer->event(finish), writer->end(some_end())});
  auto events = events_of(stream);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].data, finish);
  EXPECT_TRUE(json_document{events[2].data}.has("/tandem"));
}

TEST(ChatWriter, AnyChoiceOfAChunkMayFinish) {
  auto writer = make_answer_writer(asking(false, "{}"), "abc", 7);
  auto two = R"({"choices":[{"index":0,"delta":{"content":"finish_reason"},"finish_reason":null},)"
             R"({"index":1,"delta":{},"finish_reason":"stop"}]})";
  auto events = events_of(in_order({writer->event(two), writer->end(some_end())}));
  ASSERT_EQ(events.size(), 2u) << "the last chunk carries the extension";
  EXPECT_TRUE(json_document{events[0].data}.has("/tandem"));
}

TEST(ChatWriter, AServersWholeAnswerIsAStreamOfOneChunk) {
  for (bool usage : {false, true}) {
    auto writer = make_answer_writer(asking(usage, "{}"), "abc", 7);
    auto end = some_end();
    end.text.clear();
    end.body = R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":null,)"
               R"("tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"}},{}]},)"
               R"("finish_reason":"tool_calls"}]})";
    auto events = events_of(in_order({writer->begin(), writer->end(end)}));
    ASSERT_EQ(events.size(), usage ? 3u : 2u);
    json_document json{events[0].data};
    EXPECT_EQ(json.at("/object"), "chat.completion.chunk");
    EXPECT_EQ(json.at("/choices/0/delta/role"), "assistant");
    EXPECT_EQ(json.at("/choices/0/delta/tool_calls/0/index"), "0");
    EXPECT_EQ(json.at("/choices/0/delta/tool_calls/0/function/name"), "f");
    EXPECT_EQ(json.at("/choices/0/delta/tool_calls/1/index"), "1");
    EXPECT_EQ(json.at("/choices/0/finish_reason"), "tool_calls");
    EXPECT_TRUE(json_document{events[usage ? 1 : 0].data}.has("/tandem"));
  }
}

TEST(ChatWriter, LineBreaksInAServersChunkDoNotBreakTheStream) {
  auto writer = make_answer_writer(asking(false, "{}"), "abc", 7);
  auto events = events_of(writer->event("{\n \"choices\":\r\n[]\n}"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(json_document{events[0].data}.at("/choices"), "[]");
}

TEST(ChatWriter, AnErrorInMidStreamIsTheLastWord) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto stream = in_order({writer->begin(), writer->text("a"),
                          writer->fail(to_openai_error(errc::engine_failed, "it broke off"))});
  auto events = events_of(stream);
  ASSERT_EQ(events.size(), 4u);
  json_document json{events[2].data};
  EXPECT_EQ(json.at("/error/message"), "it broke off");
  EXPECT_EQ(json.at("/error/type"), "server_error");
  EXPECT_EQ(events[3].data, "[DONE]");
}

}  // namespace
}  // namespace tandem
