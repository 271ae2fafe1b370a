#include "schema/text.hpp"

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

}  // namespace tandem
