#include "actors/executor_pool/json_schema_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "schema/text.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;

std::string problem_of(std::string_view schema) {
  auto compiled = json_schema::compile(schema);
  return compiled ? std::string{} : message_of(compiled.error());
}

std::string misfit_of(std::string_view schema, std::string_view output) {
  auto compiled = json_schema::compile(schema);
  if (!compiled) {
    ADD_FAILURE() << message_of(compiled.error());
    return "unusable";
  }
  return compiled->misfit(output);
}

void expect_fit(std::string_view schema, std::initializer_list<const char*> good,
                std::initializer_list<const char*> bad) {
  for (auto output : good) EXPECT_EQ(misfit_of(schema, output), "") << schema << " " << output;
  for (auto output : bad) EXPECT_NE(misfit_of(schema, output), "") << schema << " " << output;
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

TEST(json_schema, ChecksTypes) {
  expect_fit(R"({"type":"integer"})", {"1", "-7", "5.0", "18446744073709551615"},
             {"1.5", "\"1\"", "true", "null", "[]", "{}"});
  expect_fit(R"({"type":["string","null"]})", {"\"\"", "null"}, {"0", "false"});
  expect_fit(R"({"type":"number"})", {"1", "1.5", "1e3"}, {"\"1\""});
  expect_fit("true", {"1", "{}"}, {});
  expect_fit("{}", {"1", "{}"}, {});
  expect_fit("false", {}, {"1", "null"});
}

TEST(json_schema, ChecksObjects) {
  constexpr auto schema = R"({"type":"object","properties":{"name":{"type":"string"},
    "age":{"type":"integer","minimum":0}},"required":["name"],"additionalProperties":false})";
  expect_fit(schema, {R"({"name":"x"})", R"({"name":"x","age":0})"},
             {R"({})", R"({"name":1})", R"({"name":"x","age":-1})", R"({"name":"x","b":1})", "[]"});
  expect_fit(R"({"properties":{"a":true}})", {R"({"b":1})", "7"}, {});
  expect_fit(R"({"additionalProperties":{"type":"integer"}})", {R"({"b":1})"}, {R"({"b":"1"})"});
  expect_fit(R"({"propertyNames":{"maxLength":2}})", {R"({"ab":1})"}, {R"({"abc":1})"});
  expect_fit(R"({"minProperties":1,"maxProperties":2})", {R"({"a":1})"},
             {"{}", R"({"a":1,"b":2,"c":3})"});
  for (auto word : {"dependencies", "dependentRequired"})
    expect_fit(std::string{"{\""} + word + R"(":{"a":["b"]}})", {"{}", R"({"a":1,"b":2})"},
               {R"({"a":1})"});
  expect_fit(R"({"dependentSchemas":{"a":{"required":["b"]}}})", {R"({"a":1,"b":2})"},
             {R"({"a":1})"});
}

TEST(json_schema, ChecksArrays) {
  expect_fit(R"({"items":{"type":"integer"}})", {"[]", "[1,2]", "{}"}, {"[1,\"2\"]"});
  expect_fit(R"({"items":[{"type":"integer"}],"additionalItems":false})", {"[]", "[1]"},
             {"[1,2]", "[\"\"]"});
  expect_fit(R"({"prefixItems":[{"type":"integer"}],"items":{"type":"string"}})",
             {"[1]", "[1,\"a\"]"}, {"[1,2]"});
  expect_fit(R"({"prefixItems":[{"type":"integer"}]})", {"[1,2]", "[1,\"a\"]"}, {"[\"a\"]"});
  expect_fit(R"({"contains":{"const":3}})", {"[1,3]"}, {"[]", "[1]"});
  expect_fit(R"({"minItems":1,"maxItems":2})", {"[1]"}, {"[]", "[1,2,3]"});
  expect_fit(R"({"uniqueItems":true})", {"[1,2]", "[[1],[2]]"}, {"[1,1]", "[{\"a\":1},{\"a\":1}]"});
}

TEST(json_schema, ChecksValuesAndNumbers) {
  expect_fit(R"({"enum":["a",1,null]})", {"\"a\"", "1", "null"}, {"\"b\"", "2"});
  expect_fit(R"({"const":{"a":[1]}})", {R"({"a":[1]})"}, {R"({"a":[2]})"});
  expect_fit(R"({"minimum":1,"maximum":2})", {"1", "2"}, {"0.9", "2.1"});
  expect_fit(R"({"exclusiveMinimum":1,"exclusiveMaximum":2})", {"1.5"}, {"1", "2"});
  expect_fit(R"({"multipleOf":2})", {"4", "0", "-2"}, {"2.5", "3", "1e300\n1"});
  expect_fit(R"({"multipleOf":0.1})", {"0.3", "1.7"}, {"0.35"});
}

TEST(json_schema, ChecksStringsByCharacters) {
  expect_fit(R"({"minLength":2,"maxLength":3})", {"\"世界\"", "\"abc\"", "7"},
             {"\"世\"", "\"abcd\"", "\"a\\u0000bcd\""});
  expect_fit(R"({"pattern":"^[a-z]+$"})", {"\"abc\"", "1"}, {"\"ABC\"", "\"\""});
  expect_fit(R"({"pattern":"b"})", {"\"abc\""}, {"\"ac\""});
  expect_fit(R"({"format":"date"})", {"\"2026-02-28\"", "7"}, {"\"2026-13-01\"", "\"today\""});
  expect_fit(R"({"format":"date-time"})", {"\"2026-02-28T10:00:00Z\""}, {"\"2026-02-28\""});
  expect_fit(R"({"format":"something-else"})", {"\"x\""}, {});
}

TEST(json_schema, CombinesSchemas) {
  expect_fit(R"({"anyOf":[{"type":"string"},{"minimum":5}]})", {"\"a\"", "5"}, {"4"});
  expect_fit(R"({"allOf":[{"minimum":1},{"maximum":2}]})", {"1"}, {"3"});
  expect_fit(R"({"oneOf":[{"multipleOf":2},{"multipleOf":3}]})", {"2", "3"}, {"6", "5"});
  expect_fit(R"({"not":{"type":"string"}})", {"1"}, {"\"a\""});
  expect_fit(R"({"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}})",
             {"\"ab\"", "2"}, {"\"a\"", "1"});
}

TEST(json_schema, FollowsReferencesWithinItself) {
  expect_fit(R"({"$defs":{"id":{"type":"integer"}},"items":{"$ref":"#/$defs/id"}})", {"[1]"},
             {"[\"1\"]"});
  expect_fit(R"({"definitions":{"a/b~c":{"type":"null"}},"$ref":"#/definitions/a~1b~0c"})",
             {"null"}, {"1"});
  expect_fit(R"({"$defs":{"n":{"type":"integer"}},"$ref":"#/$defs/n","minimum":3})", {"3"},
             {"2", "\"\""});
  // An id is a name and nothing more.
  expect_fit(
      R"({"$id":"https://example.com/x","$schema":"https://json-schema.org/x","type":"null"})",
      {"null"}, {"1"});
}

TEST(json_schema, TreesMayBeRecursive) {
  constexpr auto tree = R"({"type":"object","properties":{"value":{"type":"integer"},
    "left":{"$ref":"#"},"right":{"$ref":"#"}},"required":["value"],"additionalProperties":false})";
  expect_fit(tree, {R"({"value":1,"left":{"value":2,"right":{"value":3}}})"},
             {R"({"value":1,"left":{"value":2,"right":{"value":"3"}}})"});
}

TEST(json_schema, SaysWhereAndWhat) {
  EXPECT_THAT(
      misfit_of(R"({"properties":{"a/b":{"items":{"type":"integer"}}}})", R"({"a/b":[1,"x"]})"),
      HasSubstr("/a~1b/1: is a string, must be integer"));
  EXPECT_THAT(misfit_of(R"({"required":["name"]})", "{}"), HasSubstr("'name'"));
  EXPECT_THAT(misfit_of(R"({"type":"object"})", "The answer is 7."),
              HasSubstr("is no JSON: something is wrong at byte"));
  EXPECT_THAT(misfit_of("false", "1"), HasSubstr("is not allowed here"));
  EXPECT_THAT(misfit_of(R"({"pattern":"^a+$"})", "\"b\""), HasSubstr("must match ^a+$"));
}

TEST(json_schema, RefusesReferencesThatLeaveIt) {
  for (auto outside : {"http://example.com/schema.json", "https://example.com/a#/b",
                       "file:///etc/passwd", "other.json", "other.json#/a", "urn:x:y", "", "#name"})
    EXPECT_THAT(problem_of(std::string{R"({"items":{"$ref":")"} + outside + "\"}}"),
                HasSubstr("never a URL or a file"))
        << outside;
  EXPECT_THAT(problem_of(R"({"$ref":"#/$defs/nope"})"), HasSubstr("leads nowhere"));
  EXPECT_THAT(problem_of(R"({"$ref":7})"), HasSubstr("at #/$ref"));
  // A property of that name is no reference.
  EXPECT_EQ(problem_of(R"({"properties":{"$ref":{"type":"string"}}})"), "");
}

TEST(json_schema, RefusesReferencesThatNeverEnd) {
  for (auto loop :
       {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"}]})", R"({"not":{"$ref":"#"}})",
        R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
        R"({"if":{"$ref":"#"}})", R"({"dependencies":{"a":{"$ref":"#"}}})"})
    EXPECT_THAT(problem_of(loop), HasSubstr("would never end")) << loop;
}

TEST(json_schema, RefusesWhatIsNoSchema) {
  for (auto bad : {"",
                   "{",
                   "7",
                   "[]",
                   "\"x\"",
                   R"({"type":"text"})",
                   R"({"type":[]})",
                   R"({"type":7})",
                   R"({"properties":[]})",
                   R"({"properties":{"a":7}})",
                   R"({"required":"a"})",
                   R"({"required":[1]})",
                   R"({"minLength":-1})",
                   R"({"minItems":1.5})",
                   R"({"enum":1})",
                   R"({"minimum":"1"})",
                   R"({"exclusiveMinimum":true})",
                   R"({"multipleOf":0})",
                   R"({"multipleOf":-1})",
                   R"({"anyOf":[]})",
                   R"({"anyOf":{}})",
                   R"({"items":7})",
                   R"({"prefixItems":{}})",
                   R"({"pattern":"("})",
                   R"x({"pattern":"(?=x)"})x",
                   R"({"pattern":7})",
                   R"({"uniqueItems":1})",
                   R"({"dependencies":[]})",
                   R"({"dependencies":{"a":[1]}})",
                   R"({"properties":{"a\u0000b":{}}})",
                   R"({"patternProperties":{"^a":{}}})",
                   R"({"unevaluatedProperties":false})",
                   R"({"$dynamicRef":"#x"})",
                   R"({"minimum":1e999})"})
    EXPECT_NE(problem_of(bad), "") << bad;
  EXPECT_THAT(problem_of(R"({"properties":{"a/b":{"items":{"type":"text"}}}})"),
              HasSubstr("at #/properties/a~1b/items/type: must be of object"));
}

TEST(json_schema, BoundsTheSchema) {
  EXPECT_THAT(problem_of(std::string(json_schema::schema_bytes_max + 1, ' ')), HasSubstr("bytes"));
  EXPECT_THAT(problem_of(repeated(R"({"not":)", 100) + "{}" + std::string(100, '}')),
              HasSubstr("nests deeper"));
  std::string many = R"({"allOf":[true)";
  many += repeated(",{}", json_schema::subschemas_max + 1) + "]}";
  EXPECT_THAT(problem_of(many), HasSubstr("subschemas"));
  std::string patterns = R"({"allOf":[true)";
  patterns += repeated(R"(,{"pattern":"a"})", json_schema::patterns_max + 1) + "]}";
  EXPECT_THAT(problem_of(patterns), HasSubstr("patterns"));
  EXPECT_THAT(problem_of(R"({"pattern":")" + std::string(2000, 'a') + "\"}"),
              HasSubstr("longer than"));
}

TEST(json_schema, BoundsTheOutput) {
  EXPECT_THAT(misfit_of("true", std::string(json_schema::output_bytes_max + 1, ' ')),
              HasSubstr("bytes"));
  EXPECT_THAT(misfit_of("true", std::string(500'000, '[')), HasSubstr("nests deeper"));
  EXPECT_THAT(misfit_of("true", "[1,2"), HasSubstr("is no JSON"));
  EXPECT_THAT(misfit_of("true", "1e999"), HasSubstr("out of range"));
  EXPECT_THAT(misfit_of("true", "\"\xff\""), HasSubstr("is no JSON"));
  EXPECT_TRUE(is_valid_utf8(misfit_of("true", "\"\xff\"")));
  EXPECT_EQ(misfit_of("true", "[\"" + std::string(500'000, '[') + "\"]"), "") << "in a string";
}

TEST(json_schema, BoundsTheWork) {
  // Two references each to the next: 2^40 ways down.
  std::string doubling = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 40; ++i) {
    auto next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}";
    doubling += "\"a" + std::to_string(i) + R"(":{"anyOf":[)" + next + "," + next + "]},";
  }
  doubling += R"("a40":{"type":"null"}}})";
  EXPECT_THAT(misfit_of(doubling, "1"), HasSubstr("too much work"));
  // The same by going down into the value.
  constexpr auto nested =
      R"({"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}],"not":{"type":"null"}})";
  auto deep = std::string(60, '[') + "null" + std::string(60, ']');
  EXPECT_THAT(misfit_of(nested, deep), HasSubstr("too much work"));
  auto wide = "[0" + repeated(",0", 20'000) + "]";
  EXPECT_THAT(misfit_of(R"({"uniqueItems":true})", wide), HasSubstr("too much work"));
}

TEST(json_schema, SurvivesLongChainsOfReferences) {
  std::string chain = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 1'000; ++i)
    chain += "\"a" + std::to_string(i) + R"(":{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"},";
  chain += R"("a1000":{"type":"null"}}})";
  // Followed to its end or refused as too much, never a crash.
  auto why = misfit_of(chain, "1");
  EXPECT_NE(why, "");
}

TEST(json_schema, PatternsThatWouldTakeForEverEnd) {
  auto output = "\"" + std::string(64 * 1024, 'a') + "b\"";
  for (auto hostile : {"^(a+)+$", "^(a|aa)+$", "(.*)*(.*)*(.*)*c", "(x+x+)+y"}) {
    auto schema = std::string{R"({"pattern":")"} + hostile + "\"}";
    EXPECT_NE(misfit_of(schema, output), "") << hostile;
  }
}

TEST(json_schema, ReasonsAreShortHoweverManyThereAre) {
  auto wide = "[\"x\"" + repeated(",\"x\"", 20'000) + "]";
  auto why = misfit_of(R"({"items":{"type":"integer"}})", wide);
  EXPECT_THAT(why, HasSubstr("/0: is a string"));
  EXPECT_LT(why.size(), 400u);
}

TEST(json_schema, LatestSchemasAreKeptForAllThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 400; ++i) {
        auto schema = R"({"minimum":)" + std::to_string(i % 100) + "}";
        EXPECT_EQ(json_schema_misfit(schema, "100"), "");
        EXPECT_NE(json_schema_misfit(schema, "-1"), "");
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(json_schema_misfit("{", "1"), HasSubstr("is no JSON"));
}

}  // namespace
}  // namespace tandem
