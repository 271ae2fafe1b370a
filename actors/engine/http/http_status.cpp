#include "actors/engine/http/http_status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <simdjson.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::chrono::milliseconds retry_after_max = std::chrono::minutes{5};

std::string text_in(const object& fields, std::string_view key) {
  std::string_view text;
  return fields[key].get(text) == simdjson::SUCCESS ? one_line(text) : std::string{};
}

std::uint64_t number_in(const object& fields, std::string_view key) {
  std::uint64_t number = 0;
  return fields[key].get(number) == simdjson::SUCCESS ? number : 0;
}

server_error read_fields(const object& fields) {
  server_error out;
  out.message = text_in(fields, "message");
  out.type = text_in(fields, "type");
  out.code = static_cast<int>(std::min<std::uint64_t>(number_in(fields, "code"), 999));
  out.prompt_tokens = number_in(fields, "n_prompt_tokens");
  out.context_tokens = number_in(fields, "n_ctx");
  // Providers that put a word where others have the status.
  if (auto word = text_in(fields, "code"); !word.empty() && out.type.empty()) out.type = word;
  return out;
}

/// FastAPI's: a text, or a list of complaints.
std::optional<server_error> read_detail(const element& detail) {
  server_error out;
  std::string_view text;
  simdjson::dom::array complaints;
  if (detail.get(text) == simdjson::SUCCESS) {
    out.message = one_line(text);
    return out;
  }
  if (detail.get(complaints) != simdjson::SUCCESS) return std::nullopt;
  for (auto complaint : complaints) {
    if (complaint["msg"].get(text) != simdjson::SUCCESS) continue;
    out.message = one_line(text);
    break;
  }
  return out;
}

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         }) != text.end();
}

bool is_context_overflow(const server_error& error) {
  return contains(error.type, "exceed_context_size") || contains(error.type, "context_length") ||
         contains(error.message, "context length") || contains(error.message, "context size") ||
         contains(error.message, "context window");
}

std::string overflow_text(const server_error& error) {
  std::string out = "the prompt does not fit the model's context";
  if (error.prompt_tokens > 0 && error.context_tokens > 0)
    out += ": " + std::to_string(error.prompt_tokens) + " tokens, and it holds " +
           std::to_string(error.context_tokens);
  else if (!error.message.empty())
    out += ": " + error.message;
  return out + "; shorten it, or use an engine with a larger context";
}

std::string said(const server_error& error) {
  return error.message.empty() ? std::string{} : ": " + error.message;
}

http_verdict judge(int status, const server_error& error, std::chrono::milliseconds retry_after,
                   std::string_view key_source) {
  auto number = std::to_string(status);
  if (status == 408 || status == 429 || status == 503 || status == 529) {
    bool loading = status == 503 && contains(error.message, "loading");
    auto text = loading ? "the server is still loading its model (503)"
                        : "the server is busy (" + number + ")" + said(error);
    return {errc::overloaded, std::move(text), retry_after, loading};
  }
  if (status == 401 || status == 403)
    return {errc::invalid_argument, "the server refused the API key (" + number + "); it is " +
                                        std::string{key_source} + said(error)};
  if (status >= 400 && status < 500) {
    if (is_context_overflow(error)) return {errc::invalid_argument, overflow_text(error)};
    if (status == 404)
      return {errc::invalid_argument,
              "the server does not know the path or the model (404)" + said(error)};
    if (status == 413)
      return {errc::invalid_argument,
              "the request is too large for the server (413)" + said(error)};
    return {errc::invalid_argument,
            "the server refused the request (" + number + ")" + said(error)};
  }
  return {errc::engine_failed, "the server failed (" + number + ")" + said(error)};
}

/// Of an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::optional<std::time_t> read_http_date(std::string_view s) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (s.size() != 29 || s.substr(25) != " GMT" || s[3] != ',') return std::nullopt;
  auto number = [&](std::size_t at, std::size_t size, int& out) {
    auto part = s.substr(at, size);
    auto [end, code] = std::from_chars(part.data(), part.data() + size, out);
    return code == std::errc{} && end == part.data() + size && out >= 0;
  };
  std::tm time{};
  auto month = months.find(s.substr(8, 3));
  if (month == months.npos || month % 3 != 0 || !number(5, 2, time.tm_mday) ||
      !number(12, 4, time.tm_year) || !number(17, 2, time.tm_hour) || !number(20, 2, time.tm_min) ||
      !number(23, 2, time.tm_sec))
    return std::nullopt;
  time.tm_mon = static_cast<int>(month / 3);
  time.tm_year -= 1900;
  return timegm(&time);
}

}  // namespace

std::string one_line(std::string_view text, std::size_t bytes_max) {
  auto out = valid_utf8(cut(text, bytes_max));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

std::optional<server_error> read_server_error(std::string_view json) {
  simdjson::dom::parser parser;
  object fields;
  if (parser.parse(json.data(), json.size()).get(fields) != simdjson::SUCCESS) return std::nullopt;
  object inner;
  std::string_view text;
  element value;
  if (fields["error"].get(inner) == simdjson::SUCCESS) return read_fields(inner);
  if (fields["error"].get(text) == simdjson::SUCCESS) {
    auto out = read_fields(fields);
    out.message = one_line(text);
    return out;
  }
  if (fields["detail"].get(value) == simdjson::SUCCESS) return read_detail(value);
  if (fields["message"].get(text) == simdjson::SUCCESS) return read_fields(fields);
  return std::nullopt;
}

std::chrono::milliseconds read_retry_after(std::string_view value,
                                           std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  std::uint64_t seconds_left = 0;
  auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), seconds_left);
  if (!value.empty() && end == value.data() + value.size()) {
    if (code == std::errc::result_out_of_range) return retry_after_max;
    auto most = static_cast<std::uint64_t>(duration_cast<seconds>(retry_after_max).count());
    return seconds{std::min(seconds_left, most)};
  }
  auto date = read_http_date(value);
  if (!date) return milliseconds{0};
  // In milliseconds: the clock's own unit ends in the year 2262.
  auto pause = milliseconds{seconds{*date}} - duration_cast<milliseconds>(now.time_since_epoch());
  return std::clamp(pause, milliseconds{0}, retry_after_max);
}

http_verdict judge_status(int status, std::string_view body, std::chrono::milliseconds retry_after,
                          std::string_view key_source) {
  auto error = read_server_error(body);
  if (!error) {
    error.emplace();
    // Plain words help; a page of HTML does not.
    auto start = body.substr(0, body.find_first_of('\n'));
    if (start.find('<') == start.npos) error->message = one_line(start, 200);
  }
  return judge(status, *error, retry_after, key_source);
}

http_verdict judge_error(const server_error& error, std::string_view key_source) {
  if (error.code >= 400 && error.code <= 599)
    return judge(error.code, error, std::chrono::milliseconds{0}, key_source);
  if (is_context_overflow(error)) return {errc::invalid_argument, overflow_text(error)};
  return {errc::engine_failed, "the server reports an error" + said(error)};
}

}  // namespace tandem
