#include "actors/semantic/goal_numbers.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tandem {
namespace {

/// All firm numbers, as text with a space between them.
std::string firm(std::string_view text) {
  std::string out;
  for (const auto& n : numbers_of(words_of(text, 1'000)))
    if (!n.loose) out += (out.empty() ? "" : " ") + to_string(n);
  return out;
}

struct example {
  std::string_view text;
  std::string_view numbers;
};

void PrintTo(const example& e, std::ostream* out) {
  *out << e.text;
}

class NumbersOf : public testing::TestWithParam<example> {};

TEST_P(NumbersOf, ReadsThisText) {
  EXPECT_EQ(firm(GetParam().text), GetParam().numbers);
}

INSTANTIATE_TEST_SUITE_P(
    Examples, NumbersOf,
    testing::Values(
        example{"twenty-five eggs", "25"}, example{"twenty five eggs", "25"},
        example{"25 eggs", "25"}, example{"a dozen eggs", "12"}, example{"half a dozen eggs", "6"},
        example{"two dozen eggs", "24"}, example{"half of it", "0.5"},
        example{"twice as many", "2"}, example{"double the price", "2"}, example{"thrice", "3"},
        example{"one hundred and five", "105"}, example{"a hundred", "100"},
        example{"three thousand two hundred", "3200"}, example{"2 million", "2e+06"},
        example{"$1,234,567.50", "1.23457e+06"}, example{"400 000 people", "400000"},
        example{"5k runs", "5000"}, example{"1/3 of", "0.333333"},
        example{"one third of", "0.333333"}, example{"a third of", "0.333333"},
        example{"two-thirds", "0.666667"}, example{"three quarters", "0.75"},
        example{"one and a half hours", "1.5"}, example{"2 and a half", "2.5"},
        example{"1 1/2 cups", "1.5"}, example{"12%", "12%"}, example{"12 percent", "12%"},
        example{"twelve per cent", "12%"}, example{"the third day", "3. in order"},
        example{"3rd", "3. in order"}, example{"the twenty-second", "22. in order"},
        example{"a 64-second walk", "64"}, example{"it is -5 degrees", "-5"},
        example{"3-5 people", "3 5"}, example{"at 8:30", "8.5"}, example{"an eight-hour day", "8"},
        example{"0.20 and .20", "0.2 0.2"}, example{"one of them, once, the first pair", ""},
        example{"version gpt4 of file7.txt", ""}, example{"10 less than 50", "10 50"},
        example{"", ""}, example{"no number at all", ""}));

TEST(NumbersOf, KnowsWhatANumberCounts) {
  auto numbers = numbers_of(words_of("She has 5 red apples and three of the pears.", 100));
  ASSERT_EQ(numbers.size(), 2U);
  EXPECT_EQ(numbers[0].of, "red");
  EXPECT_EQ(numbers[1].of, "pears");
}

TEST(NumbersOf, TakesHostileTextInOneWalk) {
  for (std::string piece : {"1/", "a ", "twenty-", "1,", "hundred ", "half a ", "\"", "'", "-", "9",
                            "\xff\xe2\x80", "::", "and a half "}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    auto words = words_of(text, 8'192);
    EXPECT_LE(words.size(), 8'192U);
    EXPECT_LE(numbers_of(words).size(), words.size());
  }
}

TEST(NumbersOf, ReadsEveryStringOfItsOwnWordsWithoutHarm) {
  std::vector<std::string> pieces{"one", "half", "a", "and", "dozen", "twenty",  "-",
                                  "3",   "/",    "0", "%",   "third", "hundred", "of",
                                  ".",   ":",    ",", "per", "cent",  "th"};
  std::uint64_t state = 42;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int k = 0; k < 8; ++k) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += pieces[(state >> 33) % pieces.size()] + ((state >> 60) % 2 == 0 ? " " : "");
    }
    auto words = words_of(text, 100);
    std::size_t end = 0;
    for (const auto& n : numbers_of(words)) {
      EXPECT_GE(n.at, end) << text;
      EXPECT_GE(n.words, 1U) << text;
      end = n.at + n.words;
      EXPECT_LE(end, words.size()) << text;
    }
  }
}

}  // namespace
}  // namespace tandem
