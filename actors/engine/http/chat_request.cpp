#include "actors/engine/http/chat_request.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <simdjson.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

std::string_view role_name(schema::Role role) {
  switch (role) {
    case schema::Role::SYSTEM:
      return "system";
    case schema::Role::ASSISTANT:
      return "assistant";
    default:
      return "user";
  }
}

template <class Number>
void append_number(std::string& out, std::string_view field, Number value) {
  std::array<char, 32> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(field).append(digits.data(), end);
}

/// vLLM takes it for a model of that name.
void append_adapter(std::string& out, const chat_request_options& options) {
  if (options.adapter.empty()) return;
  if (options.server == server_kind::sglang) {
    out += R"(,"lora_path":)";
    append_json_string(out, options.adapter);
  } else if (options.server == server_kind::llama_cpp) {
    out.append(R"(,"lora":[{"id":)").append(options.adapter).append(R"(,"scale":1.0}])");
  }
}

void append_messages(std::string& out, const generation_request& request) {
  out += R"(,"messages":[)";
  bool first = true;
  for (const auto& turn : request.messages) {
    out += first ? R"({"role":")" : R"(,{"role":")";
    first = false;
    out.append(role_name(turn.role)).append(R"(","content":)");
    append_json_string(out, turn.content);
    out += '}';
  }
  out += ']';
}

void append_sampling(std::string& out, const generation_request& request, server_kind server) {
  if (request.max_tokens > 0) append_number(out, R"(,"max_tokens":)", request.max_tokens);
  if (std::isfinite(request.temperature))
    append_number(out, R"(,"temperature":)", request.temperature);
  if (std::isfinite(request.top_p) && request.top_p > 0 && request.top_p < 1)
    append_number(out, R"(,"top_p":)", request.top_p);
  // Not part of OpenAI's interface, and some providers refuse what they don't know.
  if (request.top_k > 0 && server != server_kind::openai)
    append_number(out, R"(,"top_k":)", request.top_k);
  if (request.ignore_end && server != server_kind::openai) out += R"(,"ignore_eos":true)";
  // Servers differ in how wide a seed may be; all take 31 bits.
  append_number(out, R"(,"seed":)", request.seed & 0x7fffffffu);
}

}  // namespace

caf::expected<std::string> chat_request_body(const generation_request& request,
                                             const chat_request_options& options) {
  std::size_t size = 512 + request.response_schema.size();
  for (const auto& turn : request.messages) size += turn.content.size() * 9 / 8 + 32;
  std::string out;
  out.reserve(size);
  out += R"({"model":)";
  auto named = !options.adapter.empty() && options.server == server_kind::vllm;
  append_json_string(out, named ? options.adapter : options.model);
  append_adapter(out, options);
  out += R"(,"stream":true,"stream_options":{"include_usage":true})";
  append_messages(out, request);
  append_sampling(out, request, options.server);
  if (options.constrain && !request.response_schema.empty()) {
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    if (parser.parse(request.response_schema).get(object) != simdjson::SUCCESS)
      return make_error(errc::invalid_argument, "the response schema is no JSON object");
    out += R"(,"response_format":{"type":"json_schema","json_schema":{"name":"output","schema":)";
    out += request.response_schema;
    out += "}}";
  }
  out += '}';
  return out;
}

std::string passed_on_body(std::string_view client_body, bool stream, std::uint32_t max_tokens,
                           const chat_request_options& options) {
  std::string out;
  out.reserve(client_body.size() + options.model.size() + 128);
  out += R"({"model":)";
  auto named = !options.adapter.empty() && options.server == server_kind::vllm;
  append_json_string(out, named ? options.adapter : options.model);
  append_adapter(out, options);
  if (stream) out += R"(,"stream":true,"stream_options":{"include_usage":true})";
  if (max_tokens > 0) append_number(out, R"(,"max_tokens":)", max_tokens);
  auto rest = client_body.substr(client_body.find('{') + 1);
  if (rest.find_first_not_of(" \t\r\n") != rest.find('}')) out += ',';
  return out.append(rest);
}

}  // namespace tandem
