#include "actors/executor_pool/verifier.hpp"

#include <gtest/gtest.h>

#include "schema/message.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

std::string misfit_of(std::string_view kind, std::string_view argument, std::string_view output) {
  message_builder<schema::Check> check;
  check->setKind(std::string{kind});
  check->setArgument(std::string{argument});
  auto finished = check.finish();
  return misfit(*finished.read(), output);
}

bool fits(std::string_view kind, std::string_view argument, std::string_view output) {
  return misfit_of(kind, argument, output).empty();
}

TEST(verifier, NoCheckFitsEverything) {
  EXPECT_TRUE(fits("", "", ""));
  EXPECT_TRUE(fits("", "ignored", "anything"));
}

TEST(verifier, NumbersAreDecimalNumbersAndNothingElse) {
  for (auto good :
       {"0", "19", "-19", "+19", "1.", ".5", "1.5", "-0.25e10", "1E-7", " 42 ", "42\n", "\t7"})
    EXPECT_TRUE(fits("number", "", good)) << good;
  for (auto bad : {"", " ", ".", "-", "e5", "1e", "1.2.3", "0x1F", "nan", "inf", "19 apples",
                   "1,000", "1 2", "--1", "１２"})
    EXPECT_FALSE(fits("number", "", bad)) << bad;
}

TEST(verifier, ExactComparesWithoutTheSpaceAround) {
  EXPECT_TRUE(fits("exact", "yes", "yes"));
  EXPECT_TRUE(fits("exact", " yes\n", "\tyes "));
  EXPECT_TRUE(fits("exact", "", "  "));
  EXPECT_FALSE(fits("exact", "yes", "Yes"));
  EXPECT_FALSE(fits("exact", "yes", "yes!"));
}

TEST(verifier, ContainsLooksForTheText) {
  EXPECT_TRUE(fits("contains", "needle", "hay needle hay"));
  EXPECT_TRUE(fits("contains", "", "hay"));
  EXPECT_FALSE(fits("contains", "needle", "hay"));
  EXPECT_FALSE(fits("contains", "(.*)", "hay")) << "no pattern";
}

TEST(verifier, RegularExpressionsMatchTheWhole) {
  EXPECT_TRUE(fits("regex", "[a-z]+", "abc"));
  EXPECT_TRUE(fits("regex", "[a-z]+", " abc\n"));
  EXPECT_FALSE(fits("regex", "[a-z]+", "abc1"));
  EXPECT_FALSE(fits("regex", "b", "abc"));
  EXPECT_TRUE(fits("regex", "grün|世界", "世界"));
  EXPECT_TRUE(fits("regex", "", ""));
}

TEST(verifier, UnusableExpressionsSaySo) {
  for (auto bad : {"(", "[", "a{2,1}", "*", "(?<x", "\\", "a**b(", "(?=look)", "\\1", "a{1001}",
                   "[[:nope:]]"}) {
    auto why = misfit_of("regex", bad, "a");
    EXPECT_NE(why.find("not usable"), std::string::npos) << bad << ": " << why;
    EXPECT_TRUE(is_valid_utf8(why));
  }
}

TEST(verifier, HostileExpressionsEnd) {
  std::string output(64 * 1024, 'a');
  output += 'b';
  // Exponential for a backtracking matcher, or far too large.
  for (const auto& hostile :
       {std::string{"(a+)+c"}, std::string{"(a|aa)+c"}, std::string{"(.*)*(.*)*(.*)*c"},
        std::string{"((a{0,100}){0,100}){0,100}"}, std::string{"(x+x+)+y"},
        std::string(32'000, '('), std::string(16'000, 'a') + std::string(16'000, '?')})
    EXPECT_FALSE(fits("regex", hostile, output)) << hostile.substr(0, 40);
}

TEST(verifier, UnknownKindsNameThoseThereAre) {
  auto why = misfit_of("json_schema", "", "x");
  for (auto word : {"json_schema", "number", "exact", "contains", "regex"})
    EXPECT_NE(why.find(word), std::string::npos) << why;
}

TEST(verifier, ReasonsAreShortAndUtf8WhateverTheReply) {
  std::string wide;
  for (int i = 0; i < 30'000; ++i) wide += "世";
  for (auto kind : {"number", "exact", "contains", "regex"}) {
    auto why = misfit_of(kind, "nothing like it", wide);
    EXPECT_LT(why.size(), 400u);
    EXPECT_TRUE(is_valid_utf8(why)) << kind;
  }
  auto why = misfit_of(wide, "", "x");
  EXPECT_LT(why.size(), 400u);
  EXPECT_TRUE(is_valid_utf8(why));
}

}  // namespace
}  // namespace tandem
