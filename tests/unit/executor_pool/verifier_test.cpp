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

TEST(verifier, NothingButWhiteSpaceFitsNoCheck) {
  for (auto kind : {"number", "exact", "contains", "regex", "json_schema", "judge", "command"})
    for (auto blank : {"", " ", "\n\t "})
      EXPECT_EQ(misfit_of(kind, kind == std::string_view{"regex"} ? ".*" : "{}", blank),
                "the reply is empty")
          << kind;
  EXPECT_EQ(blank_misfit(" \n"), "the reply is empty");
  EXPECT_EQ(blank_misfit(" x "), "");
}

TEST(verifier, JudgesAndCommandsAreNotDecidedByTheTextAlone) {
  for (auto kind : {"judge", "command"})
    EXPECT_NE(misfit_of(kind, "x", "good").find("not decided by the text"), std::string::npos);
}

TEST(verifier, KindsAreSorted) {
  EXPECT_EQ(sort_of_check(""), check_sort::none);
  for (auto kind : {"number", "exact", "contains", "regex", "json_schema"})
    EXPECT_EQ(sort_of_check(kind), check_sort::text);
  EXPECT_EQ(sort_of_check("judge"), check_sort::judge);
  EXPECT_EQ(sort_of_check("command"), check_sort::command);
  for (auto kind : {"Number", "jsonschema", " ", "judge "})
    EXPECT_EQ(sort_of_check(kind), check_sort::unknown) << kind;
}

TEST(verifier, UsableChecksHaveNoProblem) {
  for (auto [kind, argument] : {std::pair{"", ""},
                                {"number", ""},
                                {"exact", "yes"},
                                {"contains", "yes"},
                                {"regex", "[a-z]+"},
                                {"json_schema", R"({"type":"object"})"},
                                {"judge", "is polite"},
                                {"command", "lint"}})
    EXPECT_EQ(check_problem(kind, argument), "") << kind;
}

TEST(verifier, UnusableChecksAreToldBeforeTheyAreUsed) {
  for (auto [kind, argument, why] : {std::tuple{"jugde", "x", "judge"},
                                     {"exact", " ", "needs a text"},
                                     {"contains", "", "needs a text"},
                                     {"regex", "(", "not usable"},
                                     {"json_schema", "{", "is no JSON"},
                                     {"json_schema", R"({"$ref":"http://x/y"})", "URL"},
                                     {"judge", " ", "needs a rubric"},
                                     {"command", "", "[[check]]"}})
    EXPECT_NE(check_problem(kind, argument).find(why), std::string::npos)
        << kind << ": " << check_problem(kind, argument);
  EXPECT_NE(check_problem("regex", std::string(regex_bytes_max + 1, 'a')).find("longer"),
            std::string::npos);
  EXPECT_NE(check_problem("judge", std::string(rubric_bytes_max + 1, 'a')).find("rubric"),
            std::string::npos);
}

TEST(verifier, JsonSchemasAreChecksToo) {
  EXPECT_TRUE(fits("json_schema", R"({"type":"integer"})", " 42\n"));
  EXPECT_FALSE(fits("json_schema", R"({"type":"integer"})", "\"42\""));
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
  EXPECT_FALSE(fits("regex", "", "a"));
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
  auto why = misfit_of("jsonschema", "", "x");
  for (auto word :
       {"jsonschema", "number", "exact", "contains", "regex", "json_schema", "judge", "command"})
    EXPECT_NE(why.find(word), std::string::npos) << why;
}

TEST(verifier, ReasonsAreShortAndUtf8WhateverTheReply) {
  std::string wide;
  for (int i = 0; i < 30'000; ++i) wide += "世";
  for (auto kind : {"number", "exact", "contains", "regex", "json_schema", "judge"}) {
    auto why = misfit_of(kind, "nothing like it", wide);
    EXPECT_FALSE(why.empty()) << kind;
    EXPECT_LT(why.size(), 400u);
    EXPECT_TRUE(is_valid_utf8(why)) << kind;
  }
  auto why = misfit_of(wide, "", "x");
  EXPECT_LT(why.size(), 400u);
  EXPECT_TRUE(is_valid_utf8(why));
}

}  // namespace
}  // namespace tandem
