// Each field of a chat with each JSON type: what is wrong is refused with the field's name.

#include "openai_fixture.hpp"

namespace tandem {
namespace {

struct json_sample {
  char type;
  std::string_view text;
};

// b: boolean, i: integer, d: not whole, s: string, a: array, o: object.
constexpr json_sample samples[] = {{'b', "true"},  {'i', "1"},      {'d', "0.5"},
                                   {'s', "\"x\""}, {'a', "[true]"}, {'o', R"({"a":true})"}};

struct field_case {
  std::string_view name;
  /// Types of which some values are right.
  std::string_view takes;
};

constexpr field_case chat_cases[] = {
    {"audio", "o"},
    {"frequency_penalty", "id"},
    {"logit_bias", "oa"},
    {"logprobs", "b"},
    {"max_completion_tokens", "i"},
    {"max_tokens", "i"},
    {"messages", "a"},
    {"metadata", "o"},
    {"modalities", "a"},
    {"model", "s"},
    {"n", "i"},
    {"parallel_tool_calls", "b"},
    {"prediction", "o"},
    {"presence_penalty", "id"},
    {"prompt_cache_key", "s"},
    {"prompt_cache_options", "o"},
    {"prompt_cache_retention", "s"},
    {"reasoning_effort", "s"},
    {"response_format", "o"},
    {"safety_identifier", "s"},
    {"seed", "i"},
    {"service_tier", "s"},
    {"stop", "sa"},
    {"store", "b"},
    {"stream", "b"},
    {"stream_options", "o"},
    {"tandem", "o"},
    {"temperature", "id"},
    {"tool_choice", "so"},
    {"tools", "a"},
    {"top_logprobs", "i"},
    {"top_p", "id"},
    {"user", "s"},
    {"verbosity", "s"},
    {"function_call", ""},
    {"functions", ""},
    {"moderation", ""},
    {"web_search_options", ""},
    {"top_k", "i"},
    {"min_p", "id"},
    {"repetition_penalty", "id"},
    {"chat_template_kwargs", "o"},
    {"guided_json", "so"},
    {"cache_prompt", "b"},
    {"stop_token_ids", "a"},
    {"grammar", "s"},
    {"id_slot", "i"},
    {"request_id", "s"},
    {"rid", "sa"},
    {"priority", "i"},
    {"n_predict", "i"},
    {"session_id", "s"},
    {"cache_salt", "s"},
    {"verbose", "b"},
};

constexpr field_case response_cases[] = {
    {"background", ""},
    {"context_management", ""},
    {"conversation", ""},
    {"include", "a"},
    {"input", "sa"},
    {"instructions", "s"},
    {"max_output_tokens", "i"},
    {"max_tool_calls", "i"},
    {"metadata", "o"},
    {"model", "s"},
    {"moderation", ""},
    {"parallel_tool_calls", "b"},
    {"previous_response_id", ""},
    {"prompt", ""},
    {"prompt_cache_key", "s"},
    {"reasoning", "o"},
    {"safety_identifier", "s"},
    {"service_tier", "s"},
    {"store", "b"},
    {"stream", "b"},
    {"stream_options", "o"},
    {"tandem", "o"},
    {"temperature", "id"},
    {"text", "o"},
    {"tool_choice", "so"},
    {"tools", "a"},
    {"top_logprobs", ""},
    {"top_p", "id"},
    {"truncation", "s"},
    {"user", "s"},
};

std::string member(std::string_view name, std::string_view value) {
  return "\"" + std::string{name} + "\":" + std::string{value};
}

std::string request(client_dialect spoken, std::string_view name, std::string_view value) {
  auto is_chat = spoken == client_dialect::chat;
  std::string out = "{" + member(name, value);
  if (name != "model") out += R"(,"model":"m")";
  if (is_chat && name != "messages") out += R"(,"messages":[{"role":"user","content":"hi"}])";
  if (!is_chat && name != "input") out += R"(,"input":"hi")";
  return out + "}";
}

void expect_refused(client_dialect spoken, const field_case& field, const json_sample& sample) {
  auto error = read_error(request(spoken, field.name, sample.text), spoken);
  EXPECT_TRUE(error.param == field.name) << field.name << " " << sample.text << " " << error.param;
  EXPECT_NE(error.message.find(field.name), error.message.npos);
  EXPECT_EQ(error.code, field.takes.empty() && error.code != "invalid_type"
                            ? "unsupported_parameter"
                            : "invalid_type")
      << field.name << " " << sample.text;
}

TEST(ChatFields, EachWrongTypeInAChatIsRefusedByName) {
  for (const auto& field : chat_cases)
    for (const auto& sample : samples)
      if (field.takes.find(sample.type) == field.takes.npos)
        expect_refused(client_dialect::chat, field, sample);
}

TEST(ChatFields, EachWrongTypeInAResponseIsRefusedByName) {
  for (const auto& field : response_cases)
    for (const auto& sample : samples)
      if (field.takes.find(sample.type) == field.takes.npos) {
        // Said, but not asked for.
        if (field.name == "top_logprobs" && sample.type == 'b') continue;
        expect_refused(client_dialect::responses, field, sample);
      }
}

TEST(ChatFields, NullIsTheSameAsNotSayingIt) {
  for (const auto& field : chat_cases) {
    if (field.name == "model" || field.name == "messages") continue;
    auto chat = read_ok(request(client_dialect::chat, field.name, "null"));
    EXPECT_EQ(chat.body, "") << field.name;
    EXPECT_TRUE(chat.unknown.empty()) << field.name;
  }
  for (const auto& field : response_cases) {
    if (field.name == "model" || field.name == "input") continue;
    auto chat =
        read_ok(request(client_dialect::responses, field.name, "null"), client_dialect::responses);
    EXPECT_EQ(chat.body, "") << field.name;
  }
}

struct range_case {
  std::string_view member;
  bool is_right;
};

TEST(ChatFields, NumbersStayWithinTheirRanges) {
  constexpr range_case cases[] = {
      {R"("temperature":0)", true},
      {R"("temperature":2)", true},
      {R"("temperature":2.01)", false},
      {R"("temperature":-0.1)", false},
      {R"("top_p":0)", true},
      {R"("top_p":1)", true},
      {R"("top_p":1.1)", false},
      {R"("n":1)", true},
      {R"("n":128)", true},
      {R"("n":129)", false},
      {R"("n":0)", false},
      {R"("n":2.0)", true},
      {R"("top_logprobs":20)", true},
      {R"("top_logprobs":21)", false},
      {R"("presence_penalty":-2)", true},
      {R"("presence_penalty":-2.1)", false},
      {R"("frequency_penalty":2)", true},
      {R"("frequency_penalty":2.1)", false},
      {R"("max_tokens":1)", true},
      {R"("max_tokens":0)", false},
      {R"("max_tokens":-1)", false},
      {R"("max_tokens":4294967296)", false},
      {R"("max_completion_tokens":7)", true},
      {R"("max_completion_tokens":0)", false},
      {R"("logit_bias":{"50256":-100})", true},
      {R"("logit_bias":{"50256":-101})", false},
      {R"("top_k":-1)", true},
      {R"("top_k":-2)", false},
      {R"("min_p":0.1)", true},
      {R"("min_p":1.1)", false},
      {R"("seed":-1)", true},
      {R"("seed":18446744073709551615)", false},
      {R"("stop":["a","b","c","d"])", true},
  };
  for (const auto& test : cases) {
    auto json = chat_with(test.member);
    auto out = read_client_chat(json, client_dialect::chat);
    EXPECT_EQ(std::holds_alternative<client_chat>(out), test.is_right) << json;
    if (!test.is_right) {
      auto error = read_error(json);
      auto name = test.member.substr(1, test.member.find('"', 1) - 1);
      EXPECT_TRUE(error.param.starts_with(name)) << json << error.param;
      EXPECT_EQ(error.code, "value_out_of_range") << json;
    }
  }
}

TEST(ChatFields, WhatReachesBeyondTheCallIsRefused) {
  for (auto name : {"lora_path", "custom_logit_processor", "vllm_xargs", "kv_transfer_params",
                    "bootstrap_host", "ec_transfer_params", "session_params", "input_ids"}) {
    auto error = read_error(chat_with(member(name, "\"x\"")));
    EXPECT_EQ(error.param, name);
    EXPECT_EQ(error.code, "unsupported_parameter");
  }
}

TEST(ChatFields, WhereAndAsWhichIdACallRunsIsWithoutEffect) {
  auto chat = read_ok(chat_with(
      R"("id_slot":3,"priority":-7,"request_id":"r","rid":["r"],"data_parallel_rank":1,"routed_dp_rank":1)"));
  EXPECT_EQ(chat.body, "");
  EXPECT_TRUE(chat.unknown.empty());
  EXPECT_EQ(chat.options.priority, 0);
}

TEST(ChatFields, WhatALlamaCppClientAlwaysSendsIsNoReasonToRefuse) {
  auto chat = read_ok(chat_with(
      R"("id_slot":-1,"cache_prompt":true,"n_predict":64,"n_probs":0,"samplers":["top_k"],"lora":[],"n_cmpl":1,"logit_bias":[[15043,false]],"speculative.n_max":8)"));
  EXPECT_EQ(
      chat.body,
      R"({"messages":[{"role":"user","content":"hi"}],"cache_prompt":true,"n_probs":0,"samplers":["top_k"],"logit_bias":[[15043,false]],"speculative.n_max":8,"max_tokens":64})");
  EXPECT_EQ(chat.max_tokens, 64u);
}

TEST(ChatFields, ASaltPartsTheClientsPrefixesAndGoesOn) {
  auto chat = read_ok(chat_with(R"("cache_salt":"s","extra_key":["k"])"));
  EXPECT_NE(chat.body.find(R"("cache_salt":"s","extra_key":["k"])"), chat.body.npos);
  EXPECT_EQ(chat.needs, (std::vector<std::string>{"cache_salt", "extra_key"}));
}

TEST(ChatFields, ABiasOfFalseIsNever) {
  EXPECT_NE(read_ok(chat_with(R"("logit_bias":{"1":false})")).body, "");
  EXPECT_EQ(read_ok(chat_with(R"("logit_bias":[])")).body, "");
  EXPECT_EQ(read_error(chat_with(R"("logit_bias":{"1":true})")).code, "invalid_type");
}

TEST(ChatFields, LlamaCppsLimitCountsWhereNoOtherIsSaid) {
  EXPECT_EQ(read_ok(chat_with(R"("n_predict":5)")).max_tokens, 5u);
  EXPECT_EQ(read_ok(chat_with(R"("n_predict":-1)")).max_tokens, 0u);
  EXPECT_EQ(read_error(chat_with(R"("n_predict":0)")).code, "value_out_of_range");
  EXPECT_EQ(read_error(chat_with(R"("n_predict":-2)")).code, "value_out_of_range");
  for (auto both : {R"("n_predict":900,"max_tokens":7,"top_p":1,"n":2)",
                    R"("max_tokens":7,"n_predict":900,"top_p":1,"n":2)"}) {
    auto chat = read_ok(chat_with(both));
    EXPECT_EQ(chat.max_tokens, 7u);
    EXPECT_EQ(chat.body.find("900"), chat.body.npos) << chat.body;
  }
  auto response = read_ok(response_with(R"("n_predict":5,"min_p":0.1)"), client_dialect::responses);
  EXPECT_EQ(response.max_tokens, 5u);
  EXPECT_NE(response.body.find(R"("max_tokens":5)"), response.body.npos);
}

TEST(ChatFields, AServersSessionIsTandems) {
  auto chat = read_ok(chat_with(R"("session_id":"s","n":2)"));
  EXPECT_EQ(chat.options.session, "s");
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"n":2})");
}

TEST(ChatFields, WhatHasNoEffectIsAcceptedAndLeftOutOfTheBody) {
  auto chat = read_ok(chat_with(
      R"("store":true,"metadata":{"a":"b"},"user":"u","service_tier":"flex","safety_identifier":"s",)"
      R"("prompt_cache_retention":"24h","prediction":{"type":"content","content":"x"},"verbosity":"low","n":2)"));
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"n":2})");
  EXPECT_TRUE(chat.unknown.empty());
  EXPECT_EQ(chat.needs, std::vector<std::string>{"n"});
}

TEST(ChatFields, UnknownOnesAreAcceptedAndNamed) {
  auto chat = read_ok(chat_with(R"("frobnicate":{"a":[1]},"x y\r\nSet-Cookie":1,"n":2)"));
  EXPECT_EQ(chat.unknown, (std::vector<std::string>{"frobnicate", "x?y??Set-Cookie"}));
  EXPECT_EQ(chat.body.find("frobnicate"), chat.body.npos);
}

TEST(ChatFields, OnlySoManyUnknownOnesAreNamed) {
  std::string members = R"("a":1)";
  for (int i = 0; i < 1000; ++i) members += ",\"unknown_" + std::to_string(i) + "\":1";
  EXPECT_EQ(read_ok(chat_with(members)).unknown.size(), 16u);
}

}  // namespace
}  // namespace tandem
