#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/semantic/goal_numbers.hpp"
#include "actors/semantic/goal_words.hpp"

namespace tandem {

/// What of a goal no similarity may override.
struct goal_facts {
  std::vector<goal_number> numbers;
  /// Words with a capital where none is due: in order, each stem once.
  std::vector<std::string> names;
  /// The same of words that open a sentence, where they may be names ("Create a" is none).
  std::vector<std::string> opening;
  /// As written, sorted.
  std::vector<std::string> literals;
  /// not, never, without, except, n't and the like.
  std::uint32_t negations = 0;
  /// Hashes of the stems near them; sorted.
  std::vector<std::uint32_t> negated;
  /// Hashes of the stems of all words, sorted; with repetition.
  std::vector<std::uint32_t> words;
  /// The same in the order of the text, without function words.
  std::vector<std::uint32_t> sequence;
};

[[nodiscard]] goal_facts facts_of(const std::vector<goal_word>& words,
                                  std::vector<goal_number> numbers);

enum class goal_guard : std::uint8_t {
  none,
  numbers,
  /// The same numbers count other things.
  counted,
  names,
  literals,
  negations,
  /// more and less, before and after
  opposites,
  /// Almost the same words, in which numbers or names have changed places.
  swapped,
  tool_arguments,
};

[[nodiscard]] const char* to_string(goal_guard guard) noexcept;

/// Which guard refused, and what differs, in one sentence.
struct guard_verdict {
  goal_guard refused_by = goal_guard::none;
  std::string why;

  [[nodiscard]] bool passed() const noexcept { return refused_by == goal_guard::none; }
};

/// Whether an answer to `kept` may answer `asked`, as far as that can be read off the texts.
/// English; of other languages it sees digits, capitals and literals. Symmetric but for the
/// sentence.
[[nodiscard]] guard_verdict check_guards(const goal_facts& asked, const goal_facts& kept);

/// Of the numbers that must be in both goals: where it differs, `check_guards` refuses.
[[nodiscard]] std::uint64_t hash_of_numbers(const std::vector<goal_number>& numbers);

/// The arguments of the job's tools must be equal, in order.
[[nodiscard]] guard_verdict check_tool_arguments(const std::vector<std::string>& asked,
                                                 const std::vector<std::string>& kept);

/// How alike two bags of sorted hashes are: shared over all (Jaccard with repetition); 1 when both
/// are empty.
[[nodiscard]] double overlap_of(const std::vector<std::uint32_t>& a,
                                const std::vector<std::uint32_t>& b);

}  // namespace tandem
