#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "tests/support/stub_engine_parts.hpp"

namespace tandem::test {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return x == y || ((x ^ y) == 0x20 && (x | 0x20) >= 'a' && (x | 0x20) <= 'z');
  });
}

std::string_view find_header(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    auto end = lines.find("\r\n");
    auto line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    auto colon = line.find(':');
    if (colon != name.size() || !same_letters(line.substr(0, colon), name)) continue;
    line.remove_prefix(colon + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    while (line.ends_with(' ')) line.remove_suffix(1);
    return line;
  }
  return {};
}

void append_number(std::string& to, std::uint64_t value) {
  std::array<char, 24> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  to.append(digits.data(), end);
}

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
    case 302:
    case 307:
      return "Moved";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

}  // namespace

std::string_view stub_request::header(std::string_view name) const {
  return find_header(headers, name);
}

namespace stub {
namespace {

/// The payload of a chunk is written behind eight digits of its length, which are filled in later.
struct open_chunk {
  std::string& to;
  std::size_t start;

  explicit open_chunk(std::string& out) : to{out}, start{out.size()} { to += "00000000\r\ndata: "; }
  ~open_chunk() {
    to += "\n\n";
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08zx", to.size() - start - 10);
    to.replace(start, 8, digits.data(), 8);
    to += "\r\n";
  }
  open_chunk(const open_chunk&) = delete;
  open_chunk& operator=(const open_chunk&) = delete;
};

void append_opening(std::string& to, const chat_form& form, std::string_view object) {
  to += R"({"id":"chatcmpl-stub","object":")";
  to += object;
  to += R"(","created":1795355210,"model":)";
  append_json(to, form.model);
}

void append_usage(std::string& to, const stub_answer& answer, const chat_form& form) {
  if (answer.usage) {
    if (!answer.usage->empty()) to.append(R"(,"usage":)").append(*answer.usage);
    return;
  }
  auto completion = tokens_of(answer);
  to += R"(,"usage":{"prompt_tokens":)";
  append_number(to, form.prompt_tokens);
  to += R"(,"completion_tokens":)";
  append_number(to, completion);
  to += R"(,"total_tokens":)";
  append_number(to, form.prompt_tokens + completion);
  to += R"(,"prompt_tokens_details":{"cached_tokens":0}})";
}

}  // namespace

std::size_t read_request(std::string_view in, stub_request& request, bool& bad) {
  auto head_end = in.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    bad = in.size() > 64 * 1024;
    return 0;
  }
  auto line_end = in.find("\r\n");
  auto line = in.substr(0, line_end);
  auto method_end = line.find(' ');
  auto target_end = line.rfind(' ');
  bad = method_end == std::string_view::npos || target_end <= method_end;
  if (bad) return 0;
  request = {};
  request.method = line.substr(0, method_end);
  auto target = line.substr(method_end + 1, target_end - method_end - 1);
  auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  request.headers = in.substr(line_end + 2, head_end - line_end);
  std::size_t length = 0;
  auto text = request.header("content-length");
  if (!text.empty()) {
    auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), length);
    bad = err != std::errc{} || end != text.data() + text.size() || length > (64U << 20U);
  }
  bad = bad || !request.header("transfer-encoding").empty();
  if (bad || in.size() - head_end - 4 < length) return 0;
  request.body = in.substr(head_end + 4, length);
  return head_end + 4 + length;
}

bool wants_continue(std::string_view in) {
  auto head_end = in.find("\r\n\r\n");
  return head_end != std::string_view::npos && head_end + 4 == in.size() &&
         same_letters(find_header(in.substr(in.find("\r\n") + 2), "expect"), "100-continue");
}

void append_json(std::string& to, std::string_view text) {
  to += '"';
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    to += text.substr(clean, i - clean);
    clean = i + 1;
    if (c == '"' || c == '\\') {
      to += '\\';
      to += static_cast<char>(c);
    } else {
      constexpr const char* hex = "0123456789abcdef";
      to += "\\u00";
      to += hex[c >> 4U];
      to += hex[c & 15U];
    }
  }
  to += text.substr(clean);
  to += '"';
}

void append_head(std::string& to, const stub_answer& answer, std::string_view content_type,
                 framing how, std::size_t length, std::string_view server) {
  to += "HTTP/1.1 ";
  append_number(to, static_cast<std::uint64_t>(answer.status));
  to += ' ';
  to += reason(answer.status);
  to += "\r\nServer: ";
  to += server;
  to += "\r\nContent-Type: ";
  to += content_type;
  if (how == framing::length) {
    to += "\r\nContent-Length: ";
    append_number(to, length);
  } else {
    to += how == framing::chunked ? "\r\nTransfer-Encoding: chunked" : "\r\nConnection: close";
  }
  to += "\r\n";
  to += answer.headers;
  to += "\r\n";
}

std::uint64_t tokens_of(const stub_answer& answer) {
  if (answer.tokens != 0) return answer.tokens;
  return std::max<std::uint64_t>(1, answer.text.size() / 4);
}

void append_plain(std::string& to, const stub_answer& answer, const chat_form& form) {
  append_opening(to, form, "chat.completion");
  to += R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  append_json(to, answer.text);
  to += R"(},"finish_reason":)";
  append_json(to, answer.finish_reason);
  to += "}]";
  append_usage(to, answer, form);
  to += '}';
}

void append_role(std::string& to, const chat_form& form) {
  open_chunk chunk{to};
  append_opening(to, form, "chat.completion.chunk");
  to +=
      R"(,"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]})";
}

void append_piece(std::string& to, const chat_form& form, std::string_view text) {
  open_chunk chunk{to};
  append_opening(to, form, "chat.completion.chunk");
  to += R"(,"choices":[{"index":0,"delta":{"content":)";
  append_json(to, text);
  to += R"(},"finish_reason":null}]})";
}

void append_last(std::string& to, const stub_answer& answer, const chat_form& form) {
  {
    open_chunk chunk{to};
    append_opening(to, form, "chat.completion.chunk");
    to += R"(,"choices":[{"index":0,"delta":{},"finish_reason":)";
    append_json(to, answer.finish_reason);
    to += "}]}";
  }
  if (!form.include_usage) return;
  open_chunk chunk{to};
  append_opening(to, form, "chat.completion.chunk");
  to += R"(,"choices":[])";
  append_usage(to, answer, form);
  to += '}';
}

void append_event(std::string& to, std::string_view json) {
  open_chunk chunk{to};
  to += json;
}

std::string_view piece_of(std::string_view text, std::size_t i, std::size_t count) {
  auto place = [&](std::size_t k) {
    auto at = k >= count ? text.size() : text.size() * k / count;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) ++at;
    return at;
  };
  auto from = place(i);
  return text.substr(from, place(i + 1) - from);
}

}  // namespace stub
}  // namespace tandem::test
