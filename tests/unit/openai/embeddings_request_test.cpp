#include "openai_fixture.hpp"

namespace tandem {
namespace {

client_embeddings read_embeddings(std::string_view json) {
  auto out = read_client_embeddings(json);
  if (auto* error = std::get_if<openai_error>(&out)) {
    ADD_FAILURE() << error->message << " in " << json;
    return {};
  }
  return std::get<client_embeddings>(out);
}

std::string param_of(std::string_view json) {
  auto out = read_client_embeddings(json);
  if (auto* error = std::get_if<openai_error>(&out)) return error->param;
  ADD_FAILURE() << "was accepted: " << json;
  return {};
}

TEST(EmbeddingsRequest, OneTextOrMany) {
  auto one = read_embeddings(R"({"model":"m","input":"a\u00e4"})");
  EXPECT_EQ(one.model, "m");
  EXPECT_EQ(one.inputs, std::vector<std::string>{"a\xc3\xa4"});
  EXPECT_EQ(one.body, R"({"input":"a\u00e4"})");
  auto two = read_embeddings(
      R"({"model":"m","input":["a", "b"],"encoding_format":"base64","dimensions":64,"user":"u","tandem":{},"odd":1})");
  EXPECT_EQ(two.inputs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(two.body, R"({"input":["a", "b"],"encoding_format":"base64","dimensions":64})");
  EXPECT_EQ(two.unknown, std::vector<std::string>{"odd"});
}

TEST(EmbeddingsRequest, WrongOnesNameTheirPath) {
  struct {
    std::string_view json;
    std::string_view param;
  } cases[] = {
      {R"({"model":"m"})", "input"},
      {R"({"input":"a"})", "model"},
      {R"({"model":5,"input":"a"})", "model"},
      {R"({"model":"","input":"a"})", "model"},
      {R"({"model":"m","input":null})", "input"},
      {R"({"model":"m","input":5})", "input"},
      {R"({"model":"m","input":{}})", "input"},
      {R"({"model":"m","input":[]})", "input"},
      {R"({"model":"m","input":""})", "input"},
      {R"({"model":"m","input":["a",""]})", "input[1]"},
      {R"({"model":"m","input":["a",true]})", "input[1]"},
      {R"({"model":"m","input":[1,2]})", "input[0]"},
      {R"({"model":"m","input":[[1,2]]})", "input[0]"},
      {R"({"model":"m","input":"a","encoding_format":5})", "encoding_format"},
      {R"({"model":"m","input":"a","encoding_format":"int8"})", "encoding_format"},
      {R"({"model":"m","input":"a","dimensions":0})", "dimensions"},
      {R"({"model":"m","input":"a","dimensions":"4"})", "dimensions"},
      {R"({"model":"m","input":"a","user":5})", "user"},
      {R"({"model":"m","input":"a","tandem":5})", "tandem"},
      {R"({"model":"m","input":"a","input":"b"})", "input"},
      {"[", ""},
  };
  for (const auto& test : cases) EXPECT_EQ(param_of(test.json), test.param) << test.json;
}

TEST(EmbeddingsRequest, MoreTextsThanAllowedAreRefused) {
  client_limits limits;
  limits.inputs_max = 2;
  auto out = read_client_embeddings(R"({"model":"m","input":["a","b","c"]})", limits);
  ASSERT_TRUE(std::holds_alternative<openai_error>(out));
  EXPECT_EQ(std::get<openai_error>(out).param, "input");
}

}  // namespace
}  // namespace tandem
