#include "schema/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include <simdjson.h>

#include "schema/json_writer.hpp"

namespace tandem {
namespace {

TEST(text, CutsBetweenCharacters) {
  const std::string s = "aß世😀";
  for (std::size_t max = 0; max <= s.size() + 1; ++max) {
    auto kept = cut(s, max);
    EXPECT_LE(kept.size(), max);
    EXPECT_TRUE(is_valid_utf8(kept)) << max;
    EXPECT_EQ(s.find(kept), 0u);
    // Never more than one character short.
    EXPECT_GE(kept.size() + 3, std::min(max, s.size()));
  }
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("", 0), "");
  EXPECT_EQ(cut(std::string(10, '\x80'), 5), "") << "no character starts there";
}

TEST(text, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(valid_utf8("grüße 世界 😀"), "grüße 世界 😀");
  EXPECT_EQ(valid_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(valid_utf8("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80").find('\xED'), std::string::npos) << "a surrogate";
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80").find('\xF4'), std::string::npos) << "above U+10FFFF";
  EXPECT_EQ(valid_utf8("\xE4\xB8"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut within a character";
}

TEST(text, MendedTextIsAlwaysUtf8) {
  std::mt19937 random{3};
  for (int i = 0; i < 5'000; ++i) {
    std::string s(random() % 24, '\0');
    for (auto& c : s) c = static_cast<char>(random() % 3 == 0 ? 'a' + random() % 26 : random());
    auto mended = valid_utf8(s);
    EXPECT_TRUE(is_valid_utf8(mended));
    EXPECT_LE(mended.size(), 3 * s.size());
    EXPECT_EQ(valid_utf8(mended), mended);
    if (is_valid_utf8(s)) {
      EXPECT_EQ(mended, s);
    }
    EXPECT_TRUE(is_valid_utf8(cut(mended, random() % 24)));
  }
}

TEST(text, EmptyViewsMakeEmptyTexts) {
  EXPECT_EQ(text({}).size(), 0u);
  EXPECT_EQ(view(text(std::string_view{})), "");
  EXPECT_EQ(view(text("abc")), "abc");
}

TEST(json, IsReadBackAsTheTextWasWhateverHasToBeEscapedInIt) {
  std::mt19937 random{5};
  simdjson::dom::parser parser;
  for (int i = 0; i < 5'000; ++i) {
    std::string s(random() % 150, 'x');
    for (auto changes = random() % 4; changes > 0 && !s.empty(); --changes)
      s[random() % s.size()] = static_cast<char>(random() % 128);
    std::string json = "[";
    append_json_string(json, s);
    json += ']';
    EXPECT_EQ(std::count_if(json.begin(), json.end(), [](char c) { return c >= 0 && c < 0x20; }),
              0);
    std::string_view back;
    ASSERT_EQ(parser.parse(json).at(0).get(back), simdjson::SUCCESS) << json;
    EXPECT_EQ(back, s);
  }
}

}  // namespace
}  // namespace tandem
