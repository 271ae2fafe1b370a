#include "openai_fixture.hpp"

namespace tandem {
namespace {

client_chat asking() {
  return read_ok(R"({"model":"m","input":"hi","instructions":"be brief","metadata":{"a":"b"}})",
                 client_dialect::responses);
}

call_end some_end() {
  call_end out;
  out.text = "an answer";
  out.prompt_tokens = 10;
  out.cached_prompt_tokens = 4;
  out.completion_tokens = 5;
  out.calls = 3;
  return out;
}

std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return R"({"choices":[{"finish_reason":)" + std::string{finish} + R"(,"index":0,"delta":)" +
         std::string{delta} + "}]}";
}

/// Sequence numbers without gaps, names that agree, and the names alone.
std::vector<std::string> names_of(const std::vector<sse_event>& events) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < events.size(); ++i) {
    json_document json{events[i].data};
    EXPECT_EQ(json.at("/type"), events[i].name);
    EXPECT_EQ(json.at("/sequence_number"), std::to_string(i));
    out.push_back(events[i].name.substr(9));
  }
  return out;
}

using names = std::vector<std::string>;

TEST(ResponseWriter, AWholeAnswerRepeatsItsRequest) {
  json_document json{make_answer_writer(asking(), "abc", 7)->whole(some_end())};
  EXPECT_EQ(json.at("/id"), "resp_abc");
  EXPECT_EQ(json.at("/object"), "response");
  EXPECT_EQ(json.at("/created_at"), "7");
  EXPECT_EQ(json.at("/status"), "completed");
  EXPECT_EQ(json.at("/error"), "null");
  EXPECT_EQ(json.at("/model"), "m");
  EXPECT_EQ(json.at("/instructions"), "be brief");
  EXPECT_EQ(json.at("/metadata/a"), "b");
  EXPECT_EQ(json.at("/tools"), "[]");
  EXPECT_EQ(json.at("/tool_choice"), "auto");
  EXPECT_EQ(json.at("/store"), "false");
  EXPECT_EQ(json.at("/output/0/type"), "message");
  EXPECT_EQ(json.at("/output/0/content/0/type"), "output_text");
  EXPECT_EQ(json.at("/output/0/content/0/text"), "an answer");
  EXPECT_EQ(json.at("/usage/input_tokens"), "10");
  EXPECT_EQ(json.at("/usage/total_tokens"), "15");
  EXPECT_EQ(json.at("/tandem/calls"), "3");
}

TEST(ResponseWriter, AServersAnswerIsTranslated) {
  auto end = some_end();
  end.body =
      R"({"choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":"a","reasoning_content":"r","tool_calls":[{"id":"c1","type":"function","function":{"name":"calc","arguments":"{}"}}]}}]})";
  json_document json{make_answer_writer(asking(), "abc", 7)->whole(end)};
  EXPECT_EQ(json.at("/status"), "incomplete");
  EXPECT_EQ(json.at("/incomplete_details/reason"), "max_output_tokens");
  EXPECT_EQ(json.at("/output/0/type"), "reasoning");
  EXPECT_EQ(json.at("/output/0/summary/0/text"), "r");
  EXPECT_EQ(json.at("/output/1/content/0/text"), "a");
  EXPECT_EQ(json.at("/output/2/type"), "function_call");
  EXPECT_EQ(json.at("/output/2/call_id"), "c1");
  EXPECT_EQ(json.at("/output/2/arguments"), "{}");
  EXPECT_EQ(json.at("/output/1/status"), "completed");
  EXPECT_EQ(json.at("/output/2/status"), "incomplete");
}

TEST(ResponseWriter, AStreamHasItsEventsInOrder) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto stream = in_order({writer->begin(), writer->reasoning("step 1"), writer->text("an \xc3"),
                          writer->text("\xa4"), writer->end(some_end())});
  auto events = events_of(stream);
  EXPECT_EQ(names_of(events),
            (names{"created", "in_progress", "output_item.added", "reasoning_summary_part.added",
                   "reasoning_summary_text.delta", "reasoning_summary_text.done",
                   "reasoning_summary_part.done", "output_item.done", "output_item.added",
                   "content_part.added", "output_text.delta", "output_text.delta",
                   "output_text.done", "content_part.done", "output_item.done", "completed"}));
  EXPECT_EQ(json_document{events[10].data}.at("/delta"), "an ");
  EXPECT_EQ(json_document{events[10].data}.at("/output_index"), "1");
  EXPECT_EQ(json_document{events[11].data}.at("/delta"), "\xc3\xa4");
  EXPECT_EQ(json_document{events[12].data}.at("/text"), "an \xc3\xa4");
  json_document last{events.back().data};
  EXPECT_EQ(last.at("/response/output/0/summary/0/text"), "step 1");
  EXPECT_EQ(last.at("/response/output/1/content/0/text"), "an \xc3\xa4");
  EXPECT_EQ(last.at("/response/status"), "completed");
  EXPECT_EQ(last.at("/response/tandem/calls"), "3");
  EXPECT_EQ(json_document{events[0].data}.at("/response/status"), "in_progress");
  EXPECT_EQ(json_document{events[8].data}.at("/item/id"), last.at("/response/output/1/id"));
}

TEST(ResponseWriter, AStreamWithoutTextHasThatOfItsEnd) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto events = events_of(in_order({writer->begin(), writer->end(some_end())}));
  (void)names_of(events);
  EXPECT_EQ(json_document{events.back().data}.at("/response/output/0/content/0/text"), "an answer");
  writer = make_answer_writer(asking(), "abc", 7);
  events = events_of(in_order({writer->begin(), writer->end(call_end{})}));
  (void)names_of(events);
  EXPECT_EQ(json_document{events.back().data}.at("/response/output/0/content/0/text"), "");
}

TEST(ResponseWriter, ACutStreamIsIncomplete) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto end = some_end();
  end.finish = schema::Finish::LENGTH;
  auto events = events_of(in_order({writer->begin(), writer->text("a"), writer->end(end)}));
  EXPECT_EQ(names_of(events).back(), "incomplete");
  EXPECT_EQ(json_document{events.back().data}.at("/response/incomplete_details/reason"),
            "max_output_tokens");
  EXPECT_EQ(json_document{events.back().data}.at("/response/output/0/status"), "incomplete");
  EXPECT_EQ(json_document{events[events.size() - 2].data}.at("/item/status"), "incomplete");
}

TEST(ResponseWriter, OnlyAnItemThatWasCutIsIncomplete) {
  json_document whole{make_answer_writer(asking(), "abc", 7)->whole(some_end())};
  EXPECT_EQ(whole.at("/output/0/status"), "completed");
  auto end = some_end();
  end.finish = schema::Finish::LENGTH;
  json_document cut{make_answer_writer(asking(), "abc", 7)->whole(end)};
  EXPECT_EQ(cut.at("/output/0/status"), "incomplete");
}

TEST(ResponseWriter, AFailureKeepsWhatWasSaid) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto events =
      events_of(in_order({writer->begin(), writer->text("a"),
                          writer->fail(to_openai_error(errc::engine_failed, "it broke off"))}));
  EXPECT_EQ(names_of(events).back(), "failed");
  json_document json{events.back().data};
  EXPECT_EQ(json.at("/response/status"), "failed");
  EXPECT_EQ(json.at("/response/error/message"), "it broke off");
  EXPECT_EQ(json.at("/response/output/0/content/0/text"), "a");
  EXPECT_EQ(json.at("/response/output/0/status"), "incomplete");
}

TEST(ResponseWriter, CallsOfAServerBecomeItems) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  auto stream =
      in_order({writer->begin(), writer->event(chunk(R"({"role":"assistant","content":null})"))});
  stream += writer->event(
      chunk(R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"calc","arguments":""}}]})"));
  stream +=
      writer->event(chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]})"));
  // Two at once, in turns.
  stream += writer->event(chunk(
      R"({"tool_calls":[{"index":1,"id":"c2","function":{"name":"look","arguments":"{}"}}]})"));
  stream += writer->event(chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]})"));
  stream += in_order({writer->event(chunk("{}", "\"tool_calls\"")), writer->end(some_end())});
  auto events = events_of(stream);
  EXPECT_EQ(
      names_of(events),
      (names{"created", "in_progress", "output_item.added", "function_call_arguments.delta",
             "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
             "function_call_arguments.done", "output_item.done", "function_call_arguments.done",
             "output_item.done", "completed"}));
  json_document last{events.back().data};
  EXPECT_EQ(last.at("/response/output/0/arguments"), R"({"a":1})");
  EXPECT_EQ(last.at("/response/output/0/call_id"), "c1");
  EXPECT_EQ(last.at("/response/output/1/name"), "look");
  EXPECT_FALSE(last.has("/response/output/2"));
  EXPECT_EQ(json_document{events[7].data}.at("/arguments"), R"({"a":1})");
}

TEST(ResponseWriter, ChunksThatAreNoneAreSilent) {
  auto writer = make_answer_writer(asking(), "abc", 7);
  (void)writer->begin();
  for (std::string_view data :
       {"", "{", "[]", "{}", R"({"choices":5})", R"({"choices":[5]})",
        R"({"choices":[{"delta":5}]})", R"({"choices":[],"usage":{"prompt_tokens":1}})",
        R"({"choices":[{"index":1,"delta":{"content":"other"}}]})",
        R"({"choices":[{"delta":{"tool_calls":[5]}}]})"})
    EXPECT_EQ(writer->event(data), "") << data;
}

}  // namespace
}  // namespace tandem
