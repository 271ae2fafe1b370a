#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <capnp/blob.h>

namespace tandem {

/// A view of a message's text; valid as long as the message.
[[nodiscard]] inline std::string_view view(capnp::Text::Reader text) {
  return {text.cStr(), text.size()};
}

/// For a setter of a text field. Precondition: `s` is empty or followed by a zero byte, as
/// literals, std::string and whole texts of messages are (Cap'n Proto asserts it); make a
/// std::string of anything else.
[[nodiscard]] inline capnp::Text::Reader text(std::string_view s) {
  return s.empty() ? capnp::Text::Reader{} : capnp::Text::Reader{s.data(), s.size()};
}

/// At most `bytes_max` bytes of `s`, cut between UTF-8 characters.
[[nodiscard]] std::string_view cut(std::string_view s, std::size_t bytes_max);

/// `s` without blanks, tabs and line ends at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view s);

/// `s` with every invalid UTF-8 sequence replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view s);
[[nodiscard]] bool is_valid_utf8(std::string_view s);

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

}  // namespace tandem
