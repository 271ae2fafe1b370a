#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tandem {

/// What is read of a prompt: so many bytes from its beginning and as many from its end.
inline constexpr std::size_t text_window = 8 * 1024;

/// FNV-1a with a last mixing step. The same on every machine.
[[nodiscard]] std::uint64_t feature_hash(std::string_view text, std::uint64_t seed = 0);
[[nodiscard]] std::uint64_t mix_hash(std::uint64_t value);

/// Counts over one prompt. ASCII decides; other bytes count as letters.
struct text_counts {
  /// Of the whole prompt, also where it is not read.
  std::uint64_t bytes = 0;
  std::uint32_t words = 0;
  std::uint32_t letters = 0;
  std::uint32_t capitals = 0;
  std::uint32_t numbers = 0;
  std::uint32_t digits = 0;
  /// Numbers with a point, a slash or a percent sign.
  std::uint32_t fractions = 0;
  /// "three", "half", "twice".
  std::uint32_t number_words = 0;
  /// Digits of the longest number.
  std::uint32_t longest_number = 0;
  std::uint32_t currencies = 0;
  std::uint32_t operators = 0;
  std::uint32_t brackets = 0;
  std::uint32_t code_signs = 0;
  std::uint32_t sentences = 0;
  std::uint32_t questions = 0;
  std::uint32_t commas = 0;
  std::uint32_t lines = 0;
  std::uint32_t quotes = 0;
  std::uint32_t foreign = 0;
  /// One bit for each hashed word: how many differ, nearly.
  std::array<std::uint64_t, 16> seen{};

  [[nodiscard]] std::uint32_t distinct_words() const;
};

/// Reads a prompt and hands each word's hash to `word(hash)`, in order. Words are lower-cased and
/// told apart by their first six letters; numbers count as words by their number of digits alone.
class text_scan {
 public:
  template <class Word>
  void read(std::span<const std::string_view> texts, Word&& word) {
    std::uint64_t total = 0;
    for (auto text : texts) total += text.size();
    counts_.bytes = total;
    std::uint64_t before = 0;
    for (auto text : texts) {
      for (auto part : window_of(text, before, total))
        while (next_word(part)) word(word_);
      before += text.size();
    }
  }

  [[nodiscard]] const text_counts& counts() const { return counts_; }

 private:
  [[nodiscard]] static std::array<std::string_view, 2> window_of(std::string_view text,
                                                                 std::uint64_t before,
                                                                 std::uint64_t total);
  /// Takes the next word off the front of `text`, counting what comes before it.
  bool next_word(std::string_view& text);
  void take_number(std::string_view& text);
  void take_letters(std::string_view& text);
  void count_sign(char sign);

  text_counts counts_;
  std::uint64_t word_ = 0;
};

}  // namespace tandem
