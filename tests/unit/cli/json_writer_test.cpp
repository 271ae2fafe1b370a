#include "schema/json_writer.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace tandem::cli {
namespace {

TEST(JsonWriter, WritesNestedObjectsAndArrays) {
  json_writer json;
  json.object();
  json.field("a", 1);
  json.array_field("list");
  json.value("x");
  json.object();
  json.end();
  json.array();
  json.end();
  json.null();
  json.end();
  json.field("b", true);
  json.object_field("o");
  json.field("d", 0.5);
  json.end();
  json.end();
  EXPECT_EQ(json.text(), R"({"a":1,"list":["x",{},[],null],"b":true,"o":{"d":0.5}})");
}

TEST(JsonWriter, KeepsWholeNumbersExact) {
  json_writer json;
  json.array();
  json.value(std::numeric_limits<std::uint64_t>::max());
  json.value(std::numeric_limits<std::int64_t>::min());
  json.end();
  EXPECT_EQ(json.text(), "[18446744073709551615,-9223372036854775808]");
}

TEST(JsonWriter, WritesNullForWhatIsNoNumber) {
  json_writer json;
  json.array();
  json.value(std::numeric_limits<double>::infinity());
  json.value(std::numeric_limits<double>::quiet_NaN());
  json.end();
  EXPECT_EQ(json.text(), "[null,null]");
}

TEST(JsonWriter, EscapesQuotesAndControlCharacters) {
  EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(json_string(std::string_view{"\0\x1b\x7f", 3}), R"("\u0000\u001b\u007f")");
  EXPECT_EQ(json_string("\xc2\x9b"), R"("\u009b")");
  EXPECT_EQ(json_string("\xe2\x80\xae"), R"("\u202e")");
}

TEST(JsonWriter, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(json_string("é数🎉"), "\"é数🎉\"");
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(JsonWriter, EveryByteComesBackThroughAParser) {
  std::string text;
  for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
  text += "é\xc2\x9b\xe2\x80\xae数🎉";
  json_writer json;
  json.object();
  json.field("text", text);
  json.end();
  simdjson::dom::parser parser;
  std::string_view read;
  ASSERT_EQ(parser.parse(json.text())["text"].get(read), simdjson::SUCCESS) << json.text();
  EXPECT_EQ(read, text);
}

}  // namespace
}  // namespace tandem::cli
