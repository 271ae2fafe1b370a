#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::bench {

/// One small change after which a text asks for something else. Nothing of them is known to the
/// guards: they edit the bytes of a text by the rules below.
enum class edit {
  /// A number in digits becomes another one of 1 to 9 more.
  number,
  /// Two numbers in digits change places.
  swapped_numbers,
  /// A capitalised word inside a sentence becomes another name, wherever it stands.
  name,
  /// "not" behind the first is, are, was, were, can, will, does, did or has.
  negation,
  /// more and less, before and after, first and last and the like: one becomes the other.
  opposite,
  /// A longer word in small letters becomes one of another text: nothing to be seen but the words.
  word,
};

[[nodiscard]] const char* to_string(edit kind) noexcept;

/// None: there is nothing in the text to edit so. `others`: texts that words are taken from.
[[nodiscard]] std::optional<std::string> edited(std::string_view text, edit kind,
                                                const std::vector<std::string>& others,
                                                std::mt19937_64& random);

/// A goal of AsyncHow with details by rule (a number, a name, a day), and the same in other words.
[[nodiscard]] std::string detailed(std::string_view goal, std::mt19937_64& random);
[[nodiscard]] std::string reworded_goal(std::string_view detailed_goal, std::mt19937_64& random);

}  // namespace tandem::bench
