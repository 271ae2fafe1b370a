#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace tandem {

/// Words that no other text of the same source begins with, so that no cache knows them.
class filler_text {
 public:
  explicit filler_text(std::uint64_t seed) : random_{seed} {}

  [[nodiscard]] std::string words(std::size_t count) {
    constexpr std::string_view consonants = "bdfghklmnprstvz";
    constexpr std::string_view vowels = "aeiou";
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) text += ' ';
      for (int syllable = 0; syllable < 2; ++syllable) {
        text += consonants[random_() % consonants.size()];
        text += vowels[random_() % vowels.size()];
      }
    }
    return text;
  }
  [[nodiscard]] std::uint64_t draw() { return random_(); }
  /// 0 to 1.
  [[nodiscard]] double share() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

}  // namespace tandem
