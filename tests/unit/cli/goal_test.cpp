#include "nodes/cli/goal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;

std::string problem(const caf::expected<std::string>& goal) {
  return goal ? "read" : message_of(goal.error());
}

class Goal : public testing::Test {
 protected:
  caf::expected<std::string> from_file(const std::string& text) {
    auto file = folder_.path() / "goal.txt";
    test::write_text(file, text);
    return read_goal({}, file.string());
  }

  test::temp_folder folder_;
};

TEST_F(Goal, JoinsWords) {
  auto goal = read_goal({"add", "1", "and  2"}, {});
  ASSERT_TRUE(goal);
  EXPECT_EQ(*goal, "add 1 and  2");
}

TEST_F(Goal, ReadsAFileWithoutItsLastLineEnds) {
  auto goal = from_file("two\nlines\r\n\n");
  ASSERT_TRUE(goal);
  EXPECT_EQ(*goal, "two\nlines");
}

TEST_F(Goal, ReadsStdinForADash) {
  auto file = folder_.path() / "in";
  test::write_text(file, "from stdin\n");
  auto fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  auto goal = read_goal({"-"}, {}, fd);
  ::close(fd);
  ASSERT_TRUE(goal);
  EXPECT_EQ(*goal, "from stdin");
}

TEST_F(Goal, RefusesNothingAndBlanks) {
  EXPECT_THAT(problem(read_goal({}, {})), HasSubstr("the goal is empty"));
  EXPECT_THAT(problem(read_goal({" ", "\t"}, {})), HasSubstr("the goal is empty"));
  EXPECT_THAT(problem(from_file("\n \n")), HasSubstr("the goal is empty"));
}

TEST_F(Goal, RefusesWhatIsNoText) {
  EXPECT_THAT(problem(from_file("caf\xe9")), HasSubstr("not UTF-8"));
  EXPECT_THAT(problem(from_file(std::string{"a\0b", 3})), HasSubstr("zero byte"));
}

TEST_F(Goal, RefusesTwoSources) {
  EXPECT_THAT(problem(read_goal({"words"}, "file")), HasSubstr("given twice"));
}

TEST_F(Goal, StopsReadingAboveTheLimit) {
  EXPECT_TRUE(from_file(std::string(goal_bytes_max, 'a')));
  EXPECT_THAT(problem(from_file(std::string(goal_bytes_max + 1, 'a'))),
              HasSubstr("larger than 16.0 MiB"));
}

TEST_F(Goal, SaysWhichFileCannotBeRead) {
  auto missing = read_goal({}, (folder_.path() / "missing").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(code_of(missing.error()), errc::not_found);
  EXPECT_THAT(message_of(missing.error()), HasSubstr("missing': No such file"));
  EXPECT_THAT(problem(read_goal({}, folder_.path().string())), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace tandem::cli
