#include <array>

#include <gtest/gtest.h>

#include "config/quantity.hpp"
#include "config/toml_guard.hpp"
#include "config/words.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

TEST(nearest_word, FindsTheCandidateWithTheFewestEdits) {
  constexpr std::array<std::string_view, 3> words{"timeout", "timeout_max", "retention"};
  EXPECT_EQ(nearest_word("timeuot", words), "timeout");
  EXPECT_EQ(nearest_word("retenton", words), "retention");
  EXPECT_EQ(nearest_word("timeout_mx", words), "timeout_max");
}

TEST(nearest_word, NamesNothingForAWordThatIsFarFromAll) {
  constexpr std::array<std::string_view, 2> words{"timeout", "retention"};
  EXPECT_EQ(nearest_word("zebra", words), "");
  EXPECT_EQ(nearest_word("", words), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 't'), words), "");
}

TEST(quote_word, ShowsNoControlCharacterAndNoEndlessText) {
  EXPECT_EQ(quote_word("a\x1b[31mb\n"), "'a?[31mb?'");
  EXPECT_LT(quote_word(std::string(1000, 'x')).size(), 100u);
}

TEST(duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("250us"), 250us);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5min"), 5min);
  EXPECT_EQ(parse_duration("4h"), 4h);
  EXPECT_EQ(parse_duration("30d"), 720h);
}

TEST(duration, RefusesWhatIsNotDigitsAndAUnit) {
  for (auto text : {"", "5", "s", "-5s", "+5s", " 5s", "5 s", "5s ", "1.5s", "5m", "5S", "0x5s",
                    "99999999999999999999s", "40000d", "5s5ms"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(duration, PrintsTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2min");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_duration(0s), "0s");
}

TEST(size, ReadsAndPrintsEveryUnit) {
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("1MiB"), 1'048'576u);
  EXPECT_EQ(parse_size("8GiB"), 8ull << 30);
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(1000), "1000B");
}

TEST(size, RefusesDecimalUnitsAndOverflow) {
  for (auto text : {"64", "64KB", "64kib", "-1B", "99999999999GiB", "1.5MiB", "KiB"}) {
    EXPECT_FALSE(parse_size(text).has_value()) << text;
  }
}

TEST(toml_guard, FindsADeepKeyAndItsLine) {
  std::string deep = "a";
  for (int i = 0; i < 16; ++i) deep += ".a";
  EXPECT_EQ(find_deep_key("x = 1\n" + deep + " = 2\n"), 2u);
  EXPECT_EQ(find_deep_key("[" + deep + "]\n"), 1u);
  EXPECT_EQ(find_deep_key("x = { " + deep + " = 1 }"), 1u);
  EXPECT_EQ(find_deep_key("x = \"\"\"\n\"\"\"\n" + deep + " = 1"), 3u);
  std::string quoted = "\"a\"";
  for (int i = 0; i < 16; ++i) quoted += ".\"a\"";
  EXPECT_EQ(find_deep_key(quoted + " = 1"), 1u);
}

TEST(toml_guard, CountsNoDotsInTextsAndComments) {
  std::string dots(40, '.');
  for (const auto& text :
       {"a = \"" + dots + "\"", "a = '" + dots + "'", "# " + dots, "a = '''\n" + dots + "'''",
        "a = \"\"\"" + dots + "\\\"\"\"\"", "a = \"\\\"" + dots + "\"",
        std::string{"a = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, "
                    "1.5, 1.5, 1.5]"}}) {
    EXPECT_EQ(find_deep_key(text), 0u) << text;
  }
}

}  // namespace
}  // namespace tandem
