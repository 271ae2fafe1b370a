#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// A piece of a goal: a word, a number in digits, a sign, or something that is only ever meant
/// literally.
struct goal_word {
  enum class kind : unsigned char {
    /// Letters, in lower case (ASCII; other letters as they are), without a possessive 's.
    word,
    /// Digits: `text` without thousands separators, perhaps with a decimal point.
    number,
    /// One of % - / : + = or the end of a sentence as ".".
    sign,
    /// Code, URL, path, identifier, address or quoted text, as it is written.
    literal,
  };
  kind type = kind::word;
  std::string text;
  /// Of words: the first letter is a capital.
  bool capital = false;
  /// The first word of the text or of a sentence: its capital says nothing.
  bool opens_sentence = false;
  /// No white space before it.
  bool joined = false;
};

/// In time linear in `text`; at most `words_max` pieces, those beyond are left out. Curly quotes
/// and dashes count as the plain ones; bytes that are no ASCII count as letters.
[[nodiscard]] std::vector<goal_word> words_of(std::string_view text, std::size_t words_max);

}  // namespace tandem
