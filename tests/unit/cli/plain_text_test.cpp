#include "nodes/cli/plain_text.hpp"

#include <gtest/gtest.h>

namespace tandem::cli {
namespace {

TEST(PlainText, RemovesEscapeSequencesWhole) {
  EXPECT_EQ(printable_line("a\x1b[31;1mred\x1b[0m b"), "ared b");
  EXPECT_EQ(printable_line("x\x1b]0;title\a y"), "x y");
  EXPECT_EQ(printable_line("x\x1b]8;;http://evil\x1b\\link"), "xlink");
  EXPECT_EQ(printable_line("x\x1b"
                           "cy"),
            "xy");
  EXPECT_EQ(printable_text("\x1b[2J\x1b[Hok\n"), "ok\n");
}

TEST(PlainText, ShowsTheTextAfterASequenceThatNeverEnds) {
  EXPECT_EQ(printable_line("a\x1b]0;all of the rest"), "a]0;all of the rest");
  EXPECT_EQ(printable_line("a\x1b["), "a[");
  EXPECT_EQ(printable_line("a\x1b"), "a");
}

TEST(PlainText, RemovesControlCharacters) {
  EXPECT_EQ(printable_line(std::string_view{"a\0b\x07"
                                            "c\x7f"
                                            "d",
                                            7}),
            "abcd");
  // C1 as UTF-8: CSI and OSC of some terminals.
  EXPECT_EQ(printable_line("a\xc2\x9b"
                           "31mb"),
            "a31mb");
}

TEST(PlainText, RemovesWhatReordersText) {
  EXPECT_EQ(printable_line("a\xe2\x80\xae"
                           "b\xe2\x81\xa6"
                           "c"),
            "abc");
}

TEST(PlainText, ReplacesInvalidUtf8) {
  EXPECT_EQ(printable_line("a\xff"
                           "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(printable_line("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(printable_line("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(printable_line("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(PlainText, KeepsLettersOfAllScripts) {
  EXPECT_EQ(printable_line("naïve 数 🎉"), "naïve 数 🎉");
}

TEST(PlainText, MakesOneLineOfManyOrKeepsThem) {
  EXPECT_EQ(printable_line("a\r\n\tb\n\n"), "a b");
  EXPECT_EQ(printable_text("a\r\n\tb\n"), "a\n\tb\n");
}

TEST(PlainText, KnowsWideAndCombiningCharacters) {
  EXPECT_EQ(width_of("abc"), 3u);
  EXPECT_EQ(width_of("数字"), 4u);
  EXPECT_EQ(width_of("e\xcc\x81"), 1u);
}

TEST(PlainText, CutsBetweenCharacters) {
  EXPECT_EQ(fit("hello", 5), "hello");
  EXPECT_EQ(fit("hello!", 5), "he...");
  EXPECT_EQ(fit("数字数字", 6), "数...");
  EXPECT_EQ(fit("hello", 2), "..");
  EXPECT_EQ(fit("hello", 0), "hello");
}

TEST(PlainText, PadsByColumnsNotBytes) {
  EXPECT_EQ(pad_right("é", 3), "é  ");
  EXPECT_EQ(pad_left("数", 3), " 数");
  EXPECT_EQ(pad_left("long", 3), "long");
}

}  // namespace
}  // namespace tandem::cli
