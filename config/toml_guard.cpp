#include "config/toml_guard.hpp"

namespace tandem {
namespace {

/// Behind the string that starts at `at`; what is not closed ends with its line, or with the text.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool escapes = quote == '"';
  const std::string triple(3, quote);
  if (text.substr(at, 3) == triple) {
    at += 3;
    while (at < text.size() && text.substr(at, 3) != triple) {
      at += escapes && text[at] == '\\' ? 2 : 1;
    }
    at += 3;
    // Up to two quotes may stand before the closing three.
    while (at < text.size() && text[at] == quote) ++at;
    return at;
  }
  ++at;
  while (at < text.size() && text[at] != quote && text[at] != '\n') {
    at += escapes && text[at] == '\\' && at + 1 < text.size() && text[at + 1] != '\n' ? 2 : 1;
  }
  return at < text.size() && text[at] == quote ? at + 1 : at;
}

}  // namespace

std::size_t find_deep_key(std::string_view text) {
  std::size_t line = 1;
  std::size_t dots = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      auto next = skip_string(text, at);
      for (; at < next && at < text.size(); ++at) line += text[at] == '\n' ? 1 : 0;
      continue;
    }
    if (c == '#') {
      while (at < text.size() && text[at] != '\n') ++at;
      continue;
    }
    if (c == '.') {
      if (++dots >= toml_key_parts_max) return line;
    } else if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[') {
      dots = 0;
      line += c == '\n' ? 1 : 0;
    }
    ++at;
  }
  return 0;
}

}  // namespace tandem
