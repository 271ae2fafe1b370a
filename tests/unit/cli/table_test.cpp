#include "nodes/cli/table.hpp"

#include <sstream>

#include <gtest/gtest.h>

#include "nodes/cli/plain_text.hpp"

namespace tandem::cli {
namespace {

using align = table::align;

TEST(Table, AlignsColumnsWithoutTrailingSpaces) {
  table t{{{"NAME"}, {"N", align::right}, {"TEXT"}}};
  t.add({"a", "1", "x"});
  t.add({"long", "100", ""});
  EXPECT_EQ(t.render({}),
            "NAME    N  TEXT\n"
            "a       1  x\n"
            "long  100\n");
}

TEST(Table, MakesCellsPrintable) {
  table t{{{"A"}, {"B"}}};
  t.add({"x\x1b[31m\ny", "z"});
  EXPECT_EQ(t.render({}), "A    B\nx y  z\n");
}

TEST(Table, CutsTheLastColumnToTheWidth) {
  table t{{{"A"}, {"TEXT"}}};
  t.add({"1", "a text that is far too long"});
  EXPECT_EQ(t.render({.width = 20}), "A  TEXT\n1  a text that is...\n");
}

TEST(Table, LeavesOtherColumnsWholeUnlessItMustFit) {
  table t{{{"A"}, {"B"}}};
  t.add({std::string(30, 'a'), std::string(30, 'b')});
  EXPECT_NE(t.render({.width = 20}).find(std::string(30, 'a')), std::string::npos);
  std::istringstream lines{t.render({.width = 20}, true)};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), 20u) << line;
}

TEST(Table, DropsALastColumnThatIsEmpty) {
  table t{{{"A"}, {"ERROR"}}};
  t.add({"1", ""});
  auto with_error = t;
  with_error.add({"2", "bad"});
  t.drop_empty_last();
  with_error.drop_empty_last();
  EXPECT_EQ(t.render({}), "A\n1\n");
  EXPECT_EQ(with_error.render({}), "A  ERROR\n1\n2  bad\n");
}

TEST(Table, DropsEveryEmptyColumnButTheFirst) {
  table t{{{""}, {"A"}, {"B"}, {"C"}}};
  t.add({"", "", "1", ""});
  t.add({"", "", "2", ""});
  t.drop_empty();
  EXPECT_EQ(t.render({}), "  B\n  1\n  2\n");
}

TEST(Table, ColoursTextNotThePadding) {
  table t{{{"A"}, {"B"}}};
  t.add({{"x", tint::red}, "y"});
  EXPECT_EQ(t.render({.colour = true}), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

}  // namespace
}  // namespace tandem::cli
