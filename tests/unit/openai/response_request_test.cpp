#include "openai_fixture.hpp"

namespace tandem {
namespace {

client_chat read_response(std::string_view members) {
  return read_ok(response_with(members), client_dialect::responses);
}

client_chat read_input(std::string_view input, std::string_view members = "") {
  return read_ok(R"({"model":"m","input":)" + std::string{input} +
                     (members.empty() ? "" : "," + std::string{members}) + "}",
                 client_dialect::responses);
}

TEST(ResponseRequest, ATextIsAUsersTurn) {
  auto chat = read_response(
      R"("max_output_tokens":16,"temperature":0.5,"top_p":0.25,"stream":true,"instructions":"be brief","seed":3)");
  EXPECT_EQ(chat.dialect, client_dialect::responses);
  EXPECT_EQ(chat.body, "");
  ASSERT_EQ(chat.turns.size(), 2u);
  EXPECT_EQ(chat.turns[0].role, schema::Role::SYSTEM);
  EXPECT_EQ(chat.turns[0].text, "be brief");
  EXPECT_EQ(chat.turns[1].role, schema::Role::USER);
  EXPECT_EQ(chat.turns[1].text, "hi");
  EXPECT_EQ(chat.max_tokens, 16u);
  EXPECT_FLOAT_EQ(chat.temperature.value_or(-1), 0.5f);
  EXPECT_FLOAT_EQ(chat.top_p, 0.25f);
  EXPECT_EQ(chat.seed, 3u);
  EXPECT_TRUE(chat.stream);
}

TEST(ResponseRequest, ItemsAreTurns) {
  auto chat = read_input(
      R"([{"role":"developer","content":"a"},{"type":"message","role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]},{"type":"reasoning","id":"rs_1","summary":[]},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"d","annotations":[]}]},{"role":"user","content":"e"}])");
  EXPECT_EQ(chat.body, "");
  ASSERT_EQ(chat.turns.size(), 4u);
  EXPECT_EQ(chat.turns[0].role, schema::Role::SYSTEM);
  EXPECT_EQ(chat.turns[1].text, "b\nc");
  EXPECT_EQ(chat.turns[2].role, schema::Role::ASSISTANT);
  EXPECT_EQ(chat.turns[2].text, "d");
  EXPECT_EQ(chat.turns[3].text, "e");
}

TEST(ResponseRequest, FunctionsBecomeAChatsTools) {
  auto chat = read_input(
      R"([{"role":"user","content":"1+1 \u00e4"},{"type":"function_call","id":"fc_1","call_id":"c1","name":"calc","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"calc","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"2"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"3"}]}])",
      R"("tools":[{"type":"function","name":"calc","description":"d","parameters":{ "type":"object" },"strict":true}],"tool_choice":{"type":"function","name":"calc"},"parallel_tool_calls":false,"max_output_tokens":99)");
  EXPECT_EQ(
      chat.body,
      R"({"messages":[{"role":"user","content":"1+1 \u00e4"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"calc","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"calc","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"3"}]}],"max_tokens":99,"tools":[{"type":"function","function":{"name":"calc","description":"d","parameters":{ "type":"object" },"strict":true}}],"tool_choice":{"type":"function","function":{"name":"calc"}},"parallel_tool_calls":false})");
  json_document json{chat.body};
  EXPECT_EQ(json.at("/messages/1/tool_calls/0/function/arguments"), R"({"a":1})");
  // The chat that it becomes is one that we would take ourselves.
  auto again = read_ok(R"({"model":"m",)" + chat.body.substr(1));
  EXPECT_EQ(again.max_tokens, 99u);
  EXPECT_EQ(again.turns.size(), chat.turns.size());
}

TEST(ResponseRequest, ImagesBecomeAChatsImages) {
  auto chat = read_input(
      R"([{"role":"user","content":[{"type":"input_text","text":"what"},{"type":"input_image","image_url":"data:,","detail":"low"}]}])");
  EXPECT_EQ(
      chat.body,
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:,","detail":"low"}}]}]})");
  EXPECT_EQ(chat.needs, std::vector<std::string>{"input_image"});
}

TEST(ResponseRequest, AFormatIsASchema) {
  auto chat = read_response(
      R"("text":{"format":{"type":"json_schema","name":"x","strict":true,"schema":{ "type":"object" }},"verbosity":"low"})");
  EXPECT_EQ(chat.response_schema, R"({ "type":"object" })");
  EXPECT_EQ(chat.body, "");
  chat = read_response(
      R"("stop":"x","text":{"format":{"type":"json_schema","name":"x","schema":{}}})");
  EXPECT_EQ(
      chat.body,
      R"({"messages":[{"role":"user","content":"hi"}],"stop":"x","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}})");
  chat = read_response(R"("text":{"format":{"type":"json_object"}})");
  EXPECT_EQ(chat.needs, std::vector<std::string>{"text.format"});
}

TEST(ResponseRequest, EffortIsPassedOnInAChatsWords) {
  auto chat = read_response(R"("reasoning":{"effort":"low","summary":"auto"})");
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"reasoning_effort":"low"})");
}

TEST(ResponseRequest, WhatNeedsAMemoryIsRefusedWithWhatToDo) {
  struct {
    std::string_view member;
    std::string_view param;
  } cases[] = {
      {R"("previous_response_id":"resp_1")", "previous_response_id"},
      {R"("conversation":"conv_1")", "conversation"},
      {R"("background":true)", "background"},
      {R"("prompt":{"id":"p"})", "prompt"},
      {R"("context_management":[{"type":"compaction"}])", "context_management"},
      {R"("top_logprobs":3)", "top_logprobs"},
      {R"("include":["message.output_text.logprobs"])", "include[0]"},
      {R"("tools":[{"type":"web_search"}])", "tools[0].type"},
      {R"("tools":[{"type":"file_search"}])", "tools[0].type"},
      {R"("tools":[{"type":"computer_use_preview"}])", "tools[0].type"},
      {R"("tools":[{"type":"function"}])", "tools[0].name"},
      {R"("tools":[{"type":"function","name":"a","parameters":5}])", "tools[0].parameters"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"web_search"})", "tool_choice.type"},
      {R"("reasoning":{"effort":5})", "reasoning.effort"},
      {R"("text":{"format":{"type":"json_schema"}})", "text.format.schema"},
      {R"("text":{"format":5})", "text.format"},
  };
  for (const auto& test : cases) {
    auto error = read_error(response_with(test.member), client_dialect::responses);
    EXPECT_EQ(error.param, test.param) << test.member;
  }
}

TEST(ResponseRequest, WrongItemsNameTheirPath) {
  struct {
    std::string_view input;
    std::string_view param;
  } cases[] = {
      {"null", "input"},
      {"5", "input"},
      {"{}", "input"},
      {"[]", "input"},
      {"[5]", "input[0]"},
      {"[{}]", "input[0].role"},
      {R"([{"type":5}])", "input[0].type"},
      {R"([{"type":"item_reference","id":"x"}])", "input[0].type"},
      {R"([{"type":"computer_call"}])", "input[0].type"},
      {R"([{"type":"reasoning"}])", "input"},
      {R"([{"role":"tool","content":"a"}])", "input[0].role"},
      {R"([{"role":"user"}])", "input[0].content"},
      {R"([{"role":"user","content":null}])", "input[0].content"},
      {R"([{"role":"user","content":[{"type":"text","text":"a"}]}])", "input[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"input_text","text":5}]}])",
       "input[0].content[0].text"},
      {R"([{"role":"user","content":[{"type":"input_file","file_id":"f"}]}])",
       "input[0].content[0]"},
      {R"([{"type":"function_call","call_id":"a","name":"b"}])", "input[0].arguments"},
      {R"([{"type":"function_call_output","call_id":5,"output":"b"}])", "input[0].call_id"},
      {R"([{"type":"function_call_output","call_id":"a"}])", "input[0].output"},
  };
  for (const auto& test : cases) {
    auto json = R"({"model":"m","input":)" + std::string{test.input} + "}";
    EXPECT_EQ(read_error(json, client_dialect::responses).param, test.param) << json;
  }
  EXPECT_EQ(read_error(R"({"model":"m"})", client_dialect::responses).param, "input");
  EXPECT_EQ(read_error(R"({"input":"a"})", client_dialect::responses).param, "model");
}

}  // namespace
}  // namespace tandem
