#include "actors/engine/replay/csv_reader.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using row = std::vector<std::string>;

std::vector<row> rows_of(std::string_view text) {
  csv_reader reader{text};
  std::vector<row> rows;
  row next;
  while (reader.next(next)) rows.push_back(next);
  EXPECT_EQ(reader.problem(), "") << text;
  return rows;
}

std::string problem_of(std::string_view text) {
  csv_reader reader{text};
  row next;
  while (reader.next(next)) {
  }
  return reader.problem();
}

TEST(csv_reader, ReadsFieldsAndLines) {
  EXPECT_EQ(rows_of(""), std::vector<row>{});
  EXPECT_EQ(rows_of("a,b\n1,2"), (std::vector<row>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows_of("a,b\r\n1,2\r\n"), (std::vector<row>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows_of(",\n"), (std::vector<row>{{"", ""}}));
  EXPECT_EQ(rows_of("a,\n,b"), (std::vector<row>{{"a", ""}, {"", "b"}}));
  EXPECT_EQ(rows_of("\xEF\xBB\xBF"
                    "a"),
            (std::vector<row>{{"a"}}));
  EXPECT_EQ(rows_of("a\rb"), (std::vector<row>{{"a\rb"}}));
}

TEST(csv_reader, QuotedFieldsHoldAnything) {
  EXPECT_EQ(rows_of("\"a,b\",\"c\nd\r\ne\"\n"), (std::vector<row>{{"a,b", "c\nd\r\ne"}}));
  EXPECT_EQ(rows_of("\"say \"\"hi\"\"\",\"\""), (std::vector<row>{{"say \"hi\"", ""}}));
  EXPECT_EQ(rows_of("\"\"\"\""), (std::vector<row>{{"\""}}));
}

TEST(csv_reader, SaysWhereItIsWrong) {
  for (auto [text, line] : {std::pair{"a\nb,\"c\nd", "line 2:"},
                            {"\"", "line 1:"},
                            {"a\n\"b\"c\n", "line 2:"},
                            {"a\"b", "line 1:"},
                            {"\"a\n\n\"x", "line 3:"}})
    EXPECT_EQ(problem_of(text).rfind(line, 0), 0u) << problem_of(text);
}

TEST(csv_reader, BoundsFieldsAndRows) {
  EXPECT_NE(problem_of(std::string(csv_reader::fields_max, ',')).find("fields"), std::string::npos);
  EXPECT_EQ(problem_of(std::string(csv_reader::fields_max - 1, ',')), "");
  std::string large(csv_reader::field_bytes_max + 1, 'x');
  EXPECT_NE(problem_of(large).find("1 MiB"), std::string::npos);
  EXPECT_NE(problem_of("\"" + large + "\"").find("1 MiB"), std::string::npos);
  std::string quotes(2 * csv_reader::field_bytes_max + 10, '"');
  EXPECT_NE(problem_of("\"" + quotes), "");
}

}  // namespace
}  // namespace tandem
