#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem::cli {

/// Text of models and users is hostile to a terminal. Both remove escape sequences whole, every
/// other control character, and the characters that reorder text; invalid UTF-8 becomes U+FFFD.
/// `printable_text` keeps line ends and tabs.
[[nodiscard]] std::string printable_text(std::string_view text);
/// One line: line ends and tabs become one space each run.
[[nodiscard]] std::string printable_line(std::string_view text);

/// Columns that printable text takes on a terminal; wide characters take two, combining ones none.
[[nodiscard]] std::size_t width_of(std::string_view text);

/// At most `columns` wide, ending in `...` when something was cut. 0: no limit.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

[[nodiscard]] std::string pad_right(std::string_view text, std::size_t columns);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t columns);

/// One character of UTF-8 at the front of `text` (not empty): its code point and its length in
/// bytes. An invalid byte is U+FFFD of length 1.
struct decoded {
  char32_t point;
  std::size_t bytes;
};
[[nodiscard]] decoded decode_utf8(std::string_view text);

/// Characters that steer a terminal or a text's direction: C0, DEL, C1, bidirectional controls,
/// line and paragraph separators.
[[nodiscard]] bool is_control(char32_t point);

}  // namespace tandem::cli
