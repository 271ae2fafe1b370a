#include "nodes/cli/check_option.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/client/client.hpp"
#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;

std::string problem(const std::string& check, const std::optional<std::string>& file = {}) {
  auto read = read_check(check, file);
  if (read) return "read";
  EXPECT_EQ(code_of(read.error()), errc::invalid_argument);
  return message_of(read.error());
}

TEST(CheckOption, TakesEveryKind) {
  EXPECT_EQ(read_check({}, {})->kind, "");
  EXPECT_EQ(read_check("number", {})->kind, "number");
  auto regex = read_check("regex=^a=b$", {});
  ASSERT_TRUE(regex) << message_of(regex.error());
  EXPECT_EQ(regex->kind, "regex");
  EXPECT_EQ(regex->argument, "^a=b$");
}

TEST(CheckOption, ReadsTheArgumentFromAFile) {
  test::temp_folder folder;
  auto file = (folder.path() / "schema.json").string();
  test::write_text(file, "{\"type\":\n\"object\"}\n");
  auto check = read_check("json_schema", file);
  ASSERT_TRUE(check) << message_of(check.error());
  EXPECT_EQ(check->argument, "{\"type\":\n\"object\"}");
  EXPECT_THAT(problem("json_schema={}", file), HasSubstr("given twice"));
  auto missing = read_check("json_schema", (folder.path() / "none").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(code_of(missing.error()), errc::not_found);
  test::write_text(file, std::string(check_bytes_max + 1, 'a'));
  EXPECT_THAT(problem("judge", file), HasSubstr("larger than 64.0 KiB"));
}

TEST(CheckOption, SaysWhatIsWrong) {
  EXPECT_THAT(problem("nubmer"), HasSubstr("judge or command; did you mean number?"));
  EXPECT_THAT(problem(""), HasSubstr("--check is ''"));
  EXPECT_THAT(problem("number=5"), HasSubstr("--check exact=TEXT"));
  EXPECT_THAT(problem("regex"), HasSubstr("write --check regex=EXPRESSION"));
  EXPECT_THAT(problem("exact="), HasSubstr("write --check exact=TEXT"));
  EXPECT_THAT(problem("exact=\xff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(problem("exact=" + std::string(check_bytes_max + 1, 'a')), HasSubstr("64 KiB"));
  auto alone = read_check({}, "file");
  ASSERT_FALSE(alone);
  EXPECT_THAT(message_of(alone.error()), HasSubstr("--check-file needs --check"));
}

TEST(Budget, IsNeverRoundedToNonsense) {
  EXPECT_EQ(to_nanousd(0.05), 50'000'000);
  EXPECT_EQ(to_nanousd(1e9), 1'000'000'000'000'000'000);
  for (double bad : {-0.01, 1.1e9, std::nan(""), HUGE_VAL}) EXPECT_FALSE(to_nanousd(bad)) << bad;
}

}  // namespace
}  // namespace tandem::cli
