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

/// `s` with every invalid UTF-8 sequence replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view s);
[[nodiscard]] bool is_valid_utf8(std::string_view s);

}  // namespace tandem
