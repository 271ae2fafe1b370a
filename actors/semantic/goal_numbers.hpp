#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/semantic/goal_words.hpp"

namespace tandem {

/// A number that a goal names, in digits or in words.
struct goal_number {
  enum class kind : unsigned char {
    /// 12, twelve, a dozen, half, 3/4, twice (2)
    amount,
    /// 12%, twelve percent
    percent,
    /// third, 3rd
    ordinal,
  };
  kind type = kind::amount;
  double value = 0;
  /// Words that seldom mean to count: one, once, first, both, pair. Reworded, they come and go.
  bool loose = false;
  /// What it counts: the next word that says something; empty: none near.
  std::string of;
  /// Hashes of the stems of words that say something, near it in its sentence; sorted.
  std::vector<std::uint32_t> near;
  /// Its place among the words, and how many of them it takes.
  std::size_t at = 0;
  std::size_t words = 1;
};

/// English. In order of the text; in time linear in `words`. "twenty-five", "2 million", "one and a
/// half", "1 1/2", "two thirds", "-5" (not in "3-5") and "8:30" are one number each.
[[nodiscard]] std::vector<goal_number> numbers_of(const std::vector<goal_word>& words);

[[nodiscard]] std::string to_string(const goal_number& number);

/// The, of, and, is, how: words that say nothing of what a goal is about.
[[nodiscard]] bool function_word(std::string_view word);

/// Without the commonest English endings, so that "buys" meets "buying".
[[nodiscard]] std::string stem_of(std::string_view word);

}  // namespace tandem
