#include "schema/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "schema/text.hpp"

namespace tandem {
namespace {

void append_escaped(std::string& out, char32_t point) {
  switch (point) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(point));
      out += code.data();
    }
  }
}

/// Whether JSON has no place for it in a string as it is.
constexpr bool is_escaped(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

/// A block's bytes are looked at together: no branch within it, so that compilers take a few
/// instructions for all of them.
bool has_escaped(const char* block, std::size_t bytes) {
  unsigned char found = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    found |= static_cast<unsigned char>(is_escaped(block[i]) ? 1 : 0);
  return found != 0;
}

/// Where the first byte from `at` on is that has to be escaped.
std::size_t next_escaped(std::string_view s, std::size_t at) {
  constexpr std::size_t block = 32;
  while (s.size() - at >= block && !has_escaped(s.data() + at, block)) at += block;
  while (at < s.size() && !is_escaped(s[at])) ++at;
  return at;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    auto [point, bytes] = decode_utf8(text);
    if (point == '"' || point == '\\' || is_control(point))
      append_escaped(out, point);
    else if (point == 0xfffd)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out + '"';
}

void append_json_string(std::string& out, std::string_view s) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  std::string repaired;
  if (!is_valid_utf8(s)) {
    repaired = valid_utf8(s);
    s = repaired;
  }
  std::size_t plain = 0;
  for (auto i = next_escaped(s, 0); i < s.size(); i = next_escaped(s, plain)) {
    auto c = static_cast<unsigned char>(s[i]);
    out.append(s.substr(plain, i - plain));
    plain = i + 1;
    if (c == '\n') {
      out += "\\n";
    } else if (c >= 0x20) {
      out += '\\';
      out += static_cast<char>(c);
    } else {
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  out.append(s.substr(plain)).append(1, '"');
}

void json_writer::separate() {
  if (needs_comma_) text_ += ',';
  needs_comma_ = false;
}

void json_writer::open(char first, char last) {
  separate();
  text_ += first;
  open_ += last;
}

void json_writer::end() {
  text_ += open_.back();
  open_.pop_back();
  needs_comma_ = true;
}

void json_writer::key(std::string_view name) {
  separate();
  text_ += json_string(name);
  text_ += ':';
}

void json_writer::item(std::string_view raw) {
  separate();
  text_ += raw;
  needs_comma_ = true;
}

void json_writer::value(std::string_view text) {
  item(json_string(text));
}

void json_writer::value(double number) {
  if (!std::isfinite(number)) return null();
  std::array<char, 32> digits{};
  auto [last, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  item({digits.data(), static_cast<std::size_t>(last - digits.data())});
}

}  // namespace tandem
