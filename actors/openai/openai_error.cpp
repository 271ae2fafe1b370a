#include "actors/openai/openai_error.hpp"

#include "schema/json_writer.hpp"

namespace tandem {
namespace {

struct http_meaning {
  unsigned status;
  const char* type;
  const char* code;
};

http_meaning meaning_of(errc code) {
  switch (code) {
    case errc::invalid_argument:
      return {400, "invalid_request_error", ""};
    case errc::not_authenticated:
      return {401, "authentication_error", "invalid_api_key"};
    case errc::not_found:
      return {404, "not_found_error", ""};
    case errc::conflict:
      return {409, "invalid_request_error", "conflict"};
    case errc::overloaded:
      return {429, "rate_limit_error", "rate_limit_exceeded"};
    case errc::budget_exceeded:
      return {429, "rate_limit_error", "insufficient_quota"};
    case errc::cancelled:
      return {499, "invalid_request_error", "cancelled"};
    case errc::engine_failed:
    case errc::invalid_output:
      return {502, "server_error", to_string(code)};
    case errc::unavailable:
      return {503, "server_error", to_string(code)};
    case errc::deadline_exceeded:
      return {504, "server_error", to_string(code)};
    default:
      return {500, "server_error", to_string(code)};
  }
}

void append_or_null(std::string& out, std::string_view text) {
  if (text.empty())
    out += "null";
  else
    append_json_string(out, text);
}

}  // namespace

openai_error to_openai_error(errc code, std::string_view message) {
  auto meaning = meaning_of(code);
  openai_error out;
  out.status = meaning.status;
  out.message = message;
  out.type = meaning.type;
  out.code = meaning.code;
  return out;
}

std::string to_json(const openai_error& error) {
  std::string out = R"({"error":{"message":)";
  append_json_string(out, error.message);
  out += R"(,"type":)";
  append_json_string(out, error.type);
  out += R"(,"param":)";
  append_or_null(out, error.param);
  out += R"(,"code":)";
  append_or_null(out, error.code);
  return out + "}}";
}

}  // namespace tandem
