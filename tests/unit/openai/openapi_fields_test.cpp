// nodes/web/openapi.json says of each field of a request what the tables of the readers say.

#include <map>
#include <span>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "actors/openai/request_field.hpp"

namespace tandem {
namespace {

using field_list = std::map<std::string, std::string>;

std::string_view name_of(dialect::effect what) {
  switch (what) {
    case dialect::effect::honoured:
      return "honoured";
    case dialect::effect::passed:
      return "passed";
    case dialect::effect::none:
      return "none";
    case dialect::effect::refused:
      return "refused";
  }
  return "";
}

/// What is refused is not offered.
void add_fields(field_list& out, std::span<const dialect::request_field> table) {
  for (const auto& field : table)
    if (field.what != dialect::effect::refused)
      out.emplace(std::string{field.name}, name_of(field.what));
}

/// Of the schema itself, or of its last part where it is made from others.
field_list described(const std::string& schema) {
  field_list out;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  EXPECT_EQ(parser.load(TANDEM_SOURCE_DIR "/nodes/web/openapi.json").get(root), simdjson::SUCCESS);
  auto place = "/components/schemas/" + schema;
  simdjson::dom::object properties;
  auto code = root.at_pointer(place + "/properties").get(properties);
  if (code != simdjson::SUCCESS)
    code = root.at_pointer(place + "/allOf/1/properties").get(properties);
  EXPECT_EQ(code, simdjson::SUCCESS) << schema;
  for (auto [name, value] : properties) {
    std::string_view effect;
    EXPECT_EQ(value["x-tandem"].get(effect), simdjson::SUCCESS) << name;
    out.emplace(name, effect);
  }
  return out;
}

TEST(OpenApiFields, OfAChatAreThoseThatAreRead) {
  field_list wanted;
  add_fields(wanted, dialect::chat_fields());
  EXPECT_EQ(described("ChatRequest"), wanted);
}

TEST(OpenApiFields, OfAResponseAreThoseThatAreRead) {
  field_list wanted;
  add_fields(wanted, dialect::response_fields());
  for (auto name : {"seed", "stop"})
    wanted.emplace(name, name_of(dialect::find_field(dialect::chat_fields(), name)->what));
  EXPECT_EQ(described("ResponseRequest"), wanted);
}

TEST(OpenApiFields, OfTheOpenServersAreThoseThatAreRead) {
  field_list wanted;
  add_fields(wanted, dialect::engine_fields());
  EXPECT_EQ(described("EngineFields"), wanted);
}

TEST(OpenApiFields, OfEmbeddingsAreThoseThatAreRead) {
  field_list wanted;
  add_fields(wanted, dialect::embedding_fields());
  EXPECT_EQ(described("EmbeddingRequest"), wanted);
}

}  // namespace
}  // namespace tandem
