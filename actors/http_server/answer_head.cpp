#include "actors/http_server/answer_head.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "actors/http_server/request_check.hpp"

namespace tandem {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 39> reasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 20> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

bool is_servers_own(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equals_ignoring_case(name, "date");
    case 10:
      return equals_ignoring_case(name, "connection");
    case 14:
      return equals_ignoring_case(name, "content-length");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value) || is_servers_own(name)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_of(unsigned status) {
  for (const auto& [number, words] : reasons)
    if (number == status) return words;
  return "Unknown";
}

bool has_answer_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

void render_head(std::string& out, const http_response& answer, const answer_frame& frame,
                 std::string_view date) {
  // A final status has three digits; another one would end the connection for the client.
  auto status = answer.status >= 200 && answer.status <= 999 ? answer.status : 500U;
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\nDate: ");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, status);
    out.append(" ").append(reason_of(status)).append("\r\nDate: ");
  }
  out.append(date).append("\r\n");
  if (!answer.content_type.empty() && has_answer_body(status))
    append_header(out, "Content-Type", answer.content_type);
  for (const auto& [name, value] : answer.headers) append_header(out, name, value);
  if (frame.framing == answer_framing::length) {
    out.append("Content-Length: ");
    append_number(out, frame.length);
    out.append("\r\n");
  } else if (frame.framing == answer_framing::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (!frame.keep_alive)
    out.append("Connection: close\r\n");
  else if (frame.is_old)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

std::string http_date(std::time_t seconds) {
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm at{};
  ::gmtime_r(&seconds, &at);
  std::array<char, 64> text;
  // Not strftime: its names follow the locale.
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days[static_cast<std::size_t>(at.tm_wday)], at.tm_mday,
                months[static_cast<std::size_t>(at.tm_mon)], at.tm_year + 1900, at.tm_hour,
                at.tm_min, at.tm_sec);
  return text.data();
}

}  // namespace tandem
