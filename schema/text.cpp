#include "schema/text.hpp"

#include <array>

#include <simdjson.h>

namespace tandem {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Bytes of the valid sequence at the start of `s`; 0: there is none.
std::size_t sequence(std::string_view s) {
  auto lead = static_cast<unsigned char>(s.front());
  std::size_t size = lead < 0x80   ? 1
                     : lead < 0xC2 ? 0
                     : lead < 0xE0 ? 2
                     : lead < 0xF0 ? 3
                     : lead < 0xF5 ? 4
                                   : 0;
  if (size == 0 || size > s.size()) return 0;
  return simdjson::validate_utf8(s.data(), size) ? size : 0;
}

}  // namespace

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view space = " \t\r\n";
  auto first = s.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(space) - first + 1);
}

std::string_view cut(std::string_view s, std::size_t bytes_max) {
  if (s.size() <= bytes_max) return s;
  while (bytes_max > 0 && (static_cast<unsigned char>(s[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return s.substr(0, bytes_max);
}

std::string valid_utf8(std::string_view s) {
  if (is_valid_utf8(s)) return std::string{s};
  std::string result;
  while (!s.empty()) {
    auto size = sequence(s);
    result += size == 0 ? replacement : s.substr(0, size);
    s.remove_prefix(size == 0 ? 1 : size);
  }
  return result;
}

bool is_valid_utf8(std::string_view s) {
  return simdjson::validate_utf8(s.data(), s.size());
}

decoded decode_utf8(std::string_view text) {
  constexpr decoded invalid{0xfffd, 1};
  auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return invalid;
  char32_t point = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return invalid;
    point = point << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    return invalid;
  }
  return {point, length};
}

bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c ||
         (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

}  // namespace tandem
