#include "actors/job/plan/prompt_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using texts = std::map<std::uint32_t, std::string>;

result<std::string> fill(std::string_view text, const texts& results,
                         std::vector<std::uint32_t> declared, std::size_t bytes_max = 1'000) {
  return substitute(
      text, declared,
      [&results](std::uint32_t id) -> std::optional<std::string_view> {
        const auto found = results.find(id);
        if (found == results.end()) return std::nullopt;
        return found->second;
      },
      bytes_max);
}

std::string filled(std::string_view text, const texts& results,
                   const std::vector<std::uint32_t>& declared) {
  auto made = fill(text, results, declared);
  if (auto* failed = std::get_if<plan_error>(&made)) return "error: " + failed->message;
  return std::get<std::string>(made);
}

TEST(PromptTemplate, FillsDeclaredHoles) {
  EXPECT_EQ(filled("max {{1}} 9 {{12}}{{1}}", {{1, "19"}, {12, "x"}}, {12, 1}), "max 19 9 x19");
  EXPECT_EQ(filled("", {}, {}), "");
}

TEST(PromptTemplate, LeavesUndeclaredHolesAsText) {
  EXPECT_EQ(filled("{{1}} {{2}}", {{1, "a"}, {2, "b"}}, {1}), "a {{2}}");
}

TEST(PromptTemplate, NeverRescansAResult) {
  EXPECT_EQ(filled("{{1}} {{2}}", {{1, "{{2}} $3 {{1}}"}, {2, "b"}}, {1, 2}), "{{2}} $3 {{1}} b");
  // Nor a hole that only arises where a result meets text.
  EXPECT_EQ(filled("{{{1}}2}}", {{1, "{"}, {2, "b"}}, {1, 2}), "{{2}}");
}

TEST(PromptTemplate, TakesTheLeftmostMatch) {
  const texts one{{1, "R"}, {2, "S"}};
  EXPECT_EQ(filled("{{{1}}}", one, {1}), "{R}");
  EXPECT_EQ(filled("{{{{1}}}}", one, {1}), "{{R}}");
  EXPECT_EQ(filled("{{1}}}}", one, {1}), "R}}");
  EXPECT_EQ(filled("{{1}{{2}}", one, {1, 2}), "{{1}S");
  EXPECT_EQ(filled("{{1{{2}}", one, {1, 2}), "{{1S");
  EXPECT_EQ(filled("{{1}} {{", one, {1}), "R {{");
  EXPECT_EQ(filled("{{1}", one, {1}), "{{1}");
  EXPECT_EQ(filled("{{1", one, {1}), "{{1");
}

TEST(PromptTemplate, TakesExactlyDigits) {
  const texts one{{1, "R"}};
  for (const std::string_view text :
       {"{{ 1 }}", "{{1 }}", "{{01}}", "{{+1}}", "{{-1}}", "{{1.0}}", "{{}}", "{1}", "$1", "{{0}}",
        "{{1a}}", "{{00000000000000000001}}", "{{4294967297}}", "{{18446744073709551617}}"}) {
    EXPECT_EQ(filled(text, one, {1}), text);
  }
}

TEST(PromptTemplate, ReportsADeclaredHoleWithoutAResult) {
  const auto made = fill("ab {{7}}", {}, {7});
  const auto& error = std::get<plan_error>(made);
  EXPECT_EQ(error.code, plan_errc::missing_result);
  EXPECT_EQ(error.offset, 3U);
  EXPECT_THAT(error.message, HasSubstr("step 7"));
}

TEST(PromptTemplate, BoundsWhatComesOut) {
  const texts big{{1, std::string(40, 'r')}};
  EXPECT_EQ(std::get<std::string>(fill("ab{{1}}{{1}}", big, {1}, 82)).size(), 82U);
  EXPECT_EQ(std::get<plan_error>(fill("ab{{1}}{{1}}", big, {1}, 81)).code,
            plan_errc::text_too_large);
  EXPECT_EQ(std::get<plan_error>(fill("abc", big, {}, 2)).code, plan_errc::text_too_large);
}

TEST(PromptTemplate, ListsReferencesOnceInOrder) {
  EXPECT_THAT(references("{{12}} {{3}} {{12}} {{ 4 }} {{goal}} {{{5}}}"), ElementsAre(12U, 3U, 5U));
  EXPECT_THAT(references("none {1}"), IsEmpty());
}

TEST(PromptTemplate, RenumbersDeclaredHolesOnly) {
  const std::vector<std::uint32_t> declared{1, 2};
  EXPECT_EQ(std::get<std::string>(renumber("{{1}}{{2}}{{3}}{{ 1 }}", declared, 40, 100)),
            "{{41}}{{42}}{{3}}{{ 1 }}");
  EXPECT_EQ(std::get<plan_error>(renumber("{{41}}", declared, 40, 100)).code,
            plan_errc::ambiguous_placeholder);
  // Declared both before and after: it is a reference, and a raised one.
  EXPECT_EQ(std::get<std::string>(renumber("{{2}}", declared, 1, 100)), "{{3}}");
}

TEST(PromptTemplate, ExpandsKnownNamesOnce) {
  const named_values values{{"goal", "{{error}} {{1}}"}, {"error", "E"}, {"steps_max", "256"}};
  const auto made =
      expand("{{goal}}|{{error}}|{{steps_max}}|{{unknown}}|{{1}}|{{Goal}}|{{ goal }}", values, 200);
  EXPECT_EQ(std::get<std::string>(made),
            "{{error}} {{1}}|E|256|{{unknown}}|{{1}}|{{Goal}}|{{ goal }}");
  EXPECT_EQ(std::get<plan_error>(expand("{{goal}}", values, 5)).code, plan_errc::text_too_large);
}

TEST(PromptTemplate, TakesHostileBracesInOnePass) {
  const std::string braces(200'000, '{');
  EXPECT_EQ(std::get<std::string>(fill(braces + "1}}", {{1, "R"}}, {1}, 300'000)),
            braces.substr(2) + "R");
}

}  // namespace
}  // namespace tandem::plan
