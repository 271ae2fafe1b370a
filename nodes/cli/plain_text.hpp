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

}  // namespace tandem::cli
