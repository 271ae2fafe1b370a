#include "openai_fixture.hpp"

namespace tandem {
namespace {

TEST(ChatRequest, APlainChatNeedsNoBody) {
  auto chat = read_ok(
      R"({"model":"tandem-auto","messages":[{"role":"developer","content":"be brief"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":null},{"role":"user","content":"c"}],"max_completion_tokens":64,"max_tokens":1,"temperature":0.25,"top_p":0.5,"top_k":40,"seed":7,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"response_format":{"type":"text"}})");
  EXPECT_EQ(chat.body, "");
  EXPECT_TRUE(chat.needs.empty());
  EXPECT_EQ(chat.model, "tandem-auto");
  ASSERT_EQ(chat.turns.size(), 4u);
  EXPECT_EQ(chat.turns[0].role, schema::Role::SYSTEM);
  EXPECT_EQ(chat.turns[0].text, "be brief");
  EXPECT_EQ(chat.turns[1].text, "a\nb");
  EXPECT_EQ(chat.turns[2].role, schema::Role::ASSISTANT);
  EXPECT_EQ(chat.turns[2].text, "");
  EXPECT_EQ(chat.max_tokens, 64u);
  EXPECT_FLOAT_EQ(chat.temperature.value_or(-1), 0.25f);
  EXPECT_FLOAT_EQ(chat.top_p, 0.5f);
  EXPECT_EQ(chat.top_k, 40u);
  EXPECT_EQ(chat.seed, 7u);
  EXPECT_TRUE(chat.stream);
  EXPECT_TRUE(chat.include_usage);
}

TEST(ChatRequest, WhatIsNotSaidHasOpenAIsDefaults) {
  auto chat = read_ok(chat_with(""));
  EXPECT_FALSE(chat.temperature);
  EXPECT_FLOAT_EQ(chat.top_p, 1);
  EXPECT_EQ(chat.max_tokens, 0u);
  EXPECT_FALSE(chat.seed.has_value());
  EXPECT_FALSE(chat.stream);
  EXPECT_FALSE(chat.include_usage);
  EXPECT_TRUE(chat.options.progress);
}

TEST(ChatRequest, TheNewerNameOfTheLimitCountsInAnyOrder) {
  EXPECT_EQ(read_ok(chat_with(R"("max_tokens":1,"max_completion_tokens":2)")).max_tokens, 2u);
  EXPECT_EQ(read_ok(chat_with(R"("max_completion_tokens":2,"max_tokens":1)")).max_tokens, 2u);
}

TEST(ChatRequest, NeutralValuesNeedNoBody) {
  auto chat = read_ok(chat_with(
      R"("n":1,"logprobs":false,"presence_penalty":0,"frequency_penalty":0.0,"logit_bias":{},"stop":[],"tools":[],"tool_choice":"auto","parallel_tool_calls":true,"modalities":["text"],"top_logprobs":0)"));
  EXPECT_EQ(chat.body, "");
}

TEST(ChatRequest, ABodyIsMadeOfTheClientsOwnBytes) {
  auto chat = read_ok(
      "{ \"stop\" : [ \"\\u0041\\n\" , \"b\" ] , \"model\" : \"m\" , \"messages\" : [ { \"role\" : "
      "\"user\" , \"content\" : \"\xc3\xa4\\u00e4\" } ] , \"temperature\" : 0.70 , \"stream\" : "
      "true , \"stream_options\" : {} , \"tandem\" : {} , \"seed\" : 7 }");
  EXPECT_EQ(chat.body,
            "{\"stop\":[ \"\\u0041\\n\" , \"b\" ],\"messages\":[ { \"role\" : \"user\" , "
            "\"content\" : \"\xc3\xa4\\u00e4\" } ],\"temperature\":0.70,\"seed\":7}");
  EXPECT_EQ(chat.needs, std::vector<std::string>{"stop"});
  EXPECT_EQ(chat.turns[0].text, "\xc3\xa4\xc3\xa4");
}

TEST(ChatRequest, AnEscapedKeyIsTheKey) {
  auto chat =
      read_ok(R"({"mo\u0064el":"m","messages":[{"role":"user","content":"hi"}],"\u006e":2})");
  EXPECT_EQ(chat.model, "m");
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"n":2})");
}

TEST(ChatRequest, ToolsAndTheirMessagesArePassedOn) {
  auto json = std::string{
      R"({"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"calc","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"}],"tools":[{"type":"function","function":{"name":"calc","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false})"};
  auto chat = read_ok(R"({"model":"m",)" + json.substr(1));
  EXPECT_EQ(chat.body, json);
  EXPECT_EQ(chat.needs, (std::vector<std::string>{"tool_calls", "tool messages", "tools"}));
  ASSERT_EQ(chat.turns.size(), 3u);
}

TEST(ChatRequest, AToolChoiceNeedsTools) {
  EXPECT_EQ(read_error(chat_with(R"("tool_choice":"required")")).param, "tool_choice");
  auto chat = read_ok(chat_with(R"("tool_choice":"none","n":2)"));
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"n":2})");
}

TEST(ChatRequest, ADeveloperIsASystemInTheBodyToo) {
  auto chat = read_ok(
      R"({"model":"m","n":2,"messages":[{"content": "a","role":"developer","x":1},{"role":"user","content":"b"}]})");
  EXPECT_EQ(
      chat.body,
      R"({"n":2,"messages":[{"content":"a","role":"system"},{"role":"user","content":"b"}]})");
  EXPECT_EQ(chat.unknown, std::vector<std::string>{"messages[0].x"});
}

TEST(ChatRequest, ImagesMakeABody) {
  auto chat = read_ok(
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:,"}}]}]})");
  EXPECT_EQ(chat.needs, std::vector<std::string>{"image_url"});
  EXPECT_EQ(chat.turns[0].text, "what");
  EXPECT_TRUE(chat.body.starts_with(R"({"messages":[)"));
}

TEST(ChatRequest, ASchemaIsTakenAsItIsWritten) {
  auto chat = read_ok(chat_with(
      R"("response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{ "type" : "object" }}})"));
  EXPECT_EQ(chat.response_schema, R"({ "type" : "object" })");
  EXPECT_EQ(chat.body, "");
  chat = read_ok(chat_with(R"("response_format":{"type":"json_object"})"));
  EXPECT_EQ(chat.needs, std::vector<std::string>{"response_format"});
}

struct wrong_case {
  std::string_view json;
  std::string_view param;
};

TEST(ChatRequest, AnErrorNamesThePathOfWhatIsWrong) {
  constexpr wrong_case cases[] = {
      {R"({"messages":[{"role":"user","content":"a"}]})", "model"},
      {R"({"model":"","messages":[{"role":"user","content":"a"}]})", "model"},
      {R"({"model":null,"messages":[{"role":"user","content":"a"}]})", "model"},
      {R"({"model":"m"})", "messages"},
      {R"({"model":"m","messages":null})", "messages"},
      {R"({"model":"m","messages":[]})", "messages"},
      {R"({"model":"m","messages":[5]})", "messages[0]"},
      {R"({"model":"m","messages":[{}]})", "messages[0].role"},
      {R"({"model":"m","messages":[{"role":5}]})", "messages[0].role"},
      {R"({"model":"m","messages":[{"role":"robot","content":"a"}]})", "messages[0].role"},
      {R"({"model":"m","messages":[{"role":"user"}]})", "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":null}]})", "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"a"},{"role":"user","content":5}]})",
       "messages[2].content"},
      {R"({"model":"m","messages":[{"role":"user","content":[5]}]})", "messages[0].content[0]"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]})",
       "messages[0].content[0].text"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":1}]}]})",
       "messages[0].content[0].text"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"smell"}]}]})",
       "messages[0].content[0].type"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]})",
       "messages[0].content[0].image_url"},
      {R"({"model":"m","messages":[{"role":"user","content":"a","name":5}]})", "messages[0].name"},
      {R"({"model":"m","messages":[{"role":"tool","content":"a"}]})", "messages[0].tool_call_id"},
      {R"({"model":"m","messages":[{"role":"assistant","tool_calls":{}}]})",
       "messages[0].tool_calls"},
      {R"({"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}]})",
       "messages[0].tool_calls[0].function.arguments"},
  };
  for (const auto& test : cases) EXPECT_EQ(read_error(test.json).param, test.param) << test.json;
}

TEST(ChatRequest, AnErrorWithinAFieldHasItsPath) {
  EXPECT_EQ(read_error(chat_with(R"("tools":[{"type":"function"}])")).param, "tools[0].function");
  EXPECT_EQ(read_error(chat_with(R"("tools":[{"function":{"name":"x"}}])")).param, "tools[0].type");
  EXPECT_EQ(read_error(chat_with(R"("stop":["a",5])")).param, "stop[1]");
  EXPECT_EQ(read_error(chat_with(R"("metadata":{"a":5})")).param, "metadata.a");
  EXPECT_EQ(read_error(chat_with(R"("stream_options":{"include_usage":1})")).param,
            "stream_options.include_usage");
  EXPECT_EQ(read_error(chat_with(R"("response_format":{"type":"xml"})")).param,
            "response_format.type");
  EXPECT_EQ(
      read_error(chat_with(R"("response_format":{"type":"json_schema","json_schema":{}})")).param,
      "response_format.json_schema.schema");
  EXPECT_EQ(
      read_error(
          chat_with(R"("response_format":{"type":"json_schema","json_schema":{"schema":"x"}})"))
          .param,
      "response_format.json_schema.schema");
}

TEST(ChatRequest, TheCacheKeyOfAPromptIsItsSession) {
  EXPECT_EQ(read_ok(chat_with(R"("prompt_cache_key":"k")")).options.session, "k");
  EXPECT_EQ(
      read_ok(chat_with(R"("tandem":{"session":"s"},"prompt_cache_key":"k")")).options.session,
      "s");
  EXPECT_EQ(
      read_ok(chat_with(R"("prompt_cache_key":"k","tandem":{"session":"s"})")).options.session,
      "s");
}

TEST(ChatRequest, MoreMessagesThanAllowedAreRefused) {
  std::string json = R"({"model":"m","messages":[)";
  for (int i = 0; i < 3; ++i)
    json += std::string{i == 0 ? "" : ","} + R"({"role":"user","content":"a"})";
  json += "]}";
  client_limits limits;
  limits.messages_max = 2;
  auto out = read_client_chat(json, client_dialect::chat, limits);
  ASSERT_TRUE(std::holds_alternative<openai_error>(out));
  EXPECT_EQ(std::get<openai_error>(out).param, "messages");
}

}  // namespace
}  // namespace tandem
