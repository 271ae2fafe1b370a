#include "actors/job/plan/plan_schema.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace tandem::plan {
namespace {

// What a JSON pointer into the schema leads to, as text; empty where it leads nowhere.
std::string at(const std::string& schema, std::string_view pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element found;
  if (parser.parse(schema).at_pointer(pointer).get(found) != simdjson::SUCCESS) return {};
  return simdjson::to_string(found);
}

TEST(PlanSchema, CarriesTheLimits) {
  const auto schema =
      plan_json_schema(limits{.steps_max = 7, .kind_bytes_max = 9, .depends_max = 3});
  EXPECT_EQ(at(schema, "/properties/steps/maxItems"), "7");
  EXPECT_EQ(at(schema, "/properties/steps/items/properties/depends_on/maxItems"), "3");
  EXPECT_EQ(at(schema, "/properties/steps/items/properties/kind/maxLength"), "9");
  EXPECT_EQ(at(schema, "/properties/steps/items/properties/id/maximum"), "1000000");
  EXPECT_EQ(at(schema, "/required"), R"(["steps"])");
  EXPECT_EQ(at(schema, "/properties/answer/anyOf/1/required"), R"(["compose"])");
}

TEST(PlanSchema, NamesStepsBeforeTheAnswerSoThatTheyStream) {
  const auto schema = plan_json_schema({});
  EXPECT_LT(schema.find("\"steps\""), schema.find("\"answer\""));
}

TEST(PlanSchema, OffersToolsOnlyWhereThereAreAny) {
  const std::vector<std::string> tools{"search", "a\"\\\n"};
  EXPECT_EQ(at(plan_json_schema({}), "/properties/steps/items/properties/tool"), "");
  EXPECT_EQ(at(plan_json_schema({}, tools), "/properties/steps/items/properties/tool/enum"),
            R"(["search","a\"\\\n"])");
}

}  // namespace
}  // namespace tandem::plan
