#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tandem {

/// The candidate that a person most likely meant (fewest edits, swaps of neighbours included), or
/// empty when none is near.
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            std::span<const std::string_view> candidates);

/// `'text'` for an error message: at most 80 bytes, nothing that a terminal would obey.
[[nodiscard]] std::string quote_word(std::string_view text);

/// `text` as a TOML basic string.
[[nodiscard]] std::string toml_string(std::string_view text);

/// `a, b or c`
[[nodiscard]] std::string list_words(std::span<const std::string_view> words);

}  // namespace tandem
