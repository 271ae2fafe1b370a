#include "openai_fixture.hpp"

namespace tandem {
namespace {

std::string chat_saying(std::string_view content) {
  return R"({"model":"m","messages":[{"role":"user","content":)" + std::string{content} + "}]}";
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(HostileRequest, WhatIsNoJsonObjectIsRefused) {
  for (std::string_view json :
       {"", " ", "null", "[]", "5", "\"a\"", "{", "}", "{\"model\":\"m\"", "{\"model\" \"m\"}",
        "{} {}", "{}x", "{'a':1}", "{\"a\":01}", "{\"a\":tru}", "\xef\xbb\xbf{}"}) {
    auto error = read_error(json);
    EXPECT_EQ(error.param, "") << json;
    EXPECT_EQ(error.code, "invalid_json") << json;
  }
  EXPECT_EQ(read_error(std::string_view{"{}\0", 3}).code, "invalid_json");
}

TEST(HostileRequest, TenThousandLevelsAreRefused) {
  for (std::size_t levels : {65u, 1'000u, 10'000u, 1'000'000u}) {
    EXPECT_EQ(read_error(chat_with("\"x\":" + nested(levels))).code, "invalid_json") << levels;
    EXPECT_EQ(read_error(std::string(levels, '[')).code, "invalid_json");
    EXPECT_EQ(read_error(std::string(levels, '{')).code, "invalid_json");
  }
  EXPECT_EQ(read_ok(chat_with("\"x\":" + nested(40))).unknown.size(), 1u);
}

TEST(HostileRequest, BrokenTextIsRefused) {
  for (std::string_view text :
       {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc0\x80\"",
        R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\udc00\ud800")", R"("\ud83d x")",
        R"("\u0000")", "\"\x01\"", "\"\n\"", R"("\x41")", R"("\u00g0")"})
    EXPECT_EQ(read_error(chat_saying(text)).code, "invalid_json") << text;
  EXPECT_EQ(read_error(chat_saying(std::string_view{"\"a\0b\"", 5})).code, "invalid_json");
  EXPECT_EQ(read_ok(chat_saying(R"("\ud83d\ude00 \\ud800 \\\\u0000")")).turns[0].text,
            "\xf0\x9f\x98\x80 \\ud800 \\\\u0000");
}

TEST(HostileRequest, HugeNumbersAreRefused) {
  for (std::string_view number : {"1e999", "-1e999", "99999999999999999999999999", "1e", "--1",
                                  "0x10", "1_000", "NaN", "Infinity"})
    EXPECT_EQ(read_error(chat_with("\"temperature\":" + std::string{number})).code, "invalid_json")
        << number;
}

TEST(HostileRequest, WhatIsSaidTwiceIsRefusedWhereverItIs) {
  struct {
    std::string json;
    std::string_view param;
  } cases[] = {
      {chat_with(R"("model":"x")"), "model"},
      {chat_with(R"("n":1,"n":2)"), "n"},
      {chat_with(R"("n":1,"\u006e":2)"), "n"},
      {chat_with(R"("unknown":{"a":{"b":1,"b":2}})"), "unknown.a"},
      {R"({"model":"m","messages":[{"role":"user","content":"a","role":"system"}]})",
       "messages[0].role"},
      {chat_with(R"("tools":[{"type":"function","function":{"name":"a","name":"b"}}])"),
       "tools[0].function.name"},
  };
  for (const auto& test : cases) {
    auto error = read_error(test.json);
    EXPECT_EQ(error.code, "duplicate_key") << test.json;
    EXPECT_TRUE(error.param.starts_with(test.param)) << test.json << " " << error.param;
  }
}

TEST(HostileRequest, ManyKeysAreComparedToo) {
  std::string members = R"("a":1)";
  for (int i = 0; i < 5000; ++i) members += ",\"k" + std::to_string(i) + "\":1";
  EXPECT_EQ(read_ok(chat_with(members)).unknown.size(), 16u);
  EXPECT_EQ(read_error(chat_with(members + ",\"k4711\":2")).param, "k4711");
}

TEST(HostileRequest, AnErrorsTextDoesNotCarryTheBody) {
  auto name = std::string(5000, 'x');
  auto error = read_error(chat_with("\"metadata\":{\"" + name + "\":1}"));
  EXPECT_LE(error.param.size(), 200u);
  EXPECT_LE(error.message.size(), 400u);
  auto role = R"({"model":"m","messages":[{"role":")" + name + R"(","content":"a"}]})";
  EXPECT_LE(read_error(role).message.size(), 400u);
}

TEST(HostileRequest, EveryPrefixOfARequestIsRefused) {
  auto json = chat_with(
      R"("tools":[{"type":"function","function":{"name":"a","parameters":{}}}],"stop":["a","\u00e4"],"temperature":0.5)");
  for (std::size_t size = 0; size < json.size(); ++size)
    EXPECT_EQ(read_error(json.substr(0, size)).code, "invalid_json");
  auto response = response_with(R"("tools":[{"type":"function","name":"a","parameters":{}}])");
  for (std::size_t size = 0; size < response.size(); ++size)
    (void)read_error(response.substr(0, size), client_dialect::responses);
}

}  // namespace
}  // namespace tandem
