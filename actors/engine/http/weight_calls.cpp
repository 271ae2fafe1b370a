#include "actors/engine/http/weight_calls.hpp"

#include <simdjson.h>

#include "actors/engine/http/chat_request.hpp"
#include "actors/engine/http/http_status.hpp"

namespace tandem {
namespace {

constexpr std::size_t field_bytes_max = 256;

}  // namespace

weight_call::verdict refuse_weights(const std::string& what, int status, std::string_view body,
                                    weight_outcome& into) {
  into.code = errc::engine_failed;
  into.error = what + " was refused (" + std::to_string(status) + ")";
  std::string why;
  if (auto said = read_server_error(body); said && !said->message.empty()) why = said->message;
  // SGLang's own way to say it.
  if (why.empty()) why = json_text(body, "error_message");
  if (why.empty()) why = one_line(body, 200);
  if (!why.empty()) into.error += ": " + why;
  return weight_call::verdict::failed;
}

std::string json_text(std::string_view json, const char* field) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(simdjson::padded_string{json})[field].get(text) != simdjson::SUCCESS) return {};
  return one_line(text, field_bytes_max);
}

bool json_flag(std::string_view json, const char* field, bool otherwise) {
  simdjson::dom::parser parser;
  bool flag = otherwise;
  if (parser.parse(simdjson::padded_string{json})[field].get(flag) != simdjson::SUCCESS)
    return otherwise;
  return flag;
}

std::string json_of(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string out = "{";
  for (const auto& [name, value] : fields) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  }
  return out + '}';
}

std::string why_weights_fixed(server_kind kind, bool is_router) {
  constexpr auto instead = "name a program that does it in [engine.weights] load";
  switch (kind) {
    case server_kind::sglang:
    case server_kind::vllm:
      return {};
    case server_kind::llama_cpp:
      if (is_router) return {};
      return std::string{
                 "llama-server loads weights only when it starts: kind = \"managed\" "
                 "starts it anew, or "} +
             instead;
    default:
      return std::string{"an OpenAI-compatible server has no call for it; "} + instead;
  }
}

}  // namespace tandem
