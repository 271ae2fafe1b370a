#include "actors/openai/openai_error.hpp"

#include "openai_fixture.hpp"

namespace tandem {
namespace {

TEST(OpenaiError, EachOfOursHasItsStatusAndType) {
  struct {
    errc code;
    unsigned status;
    std::string_view type;
  } cases[] = {
      {errc::invalid_argument, 400, "invalid_request_error"},
      {errc::not_authenticated, 401, "authentication_error"},
      {errc::not_found, 404, "not_found_error"},
      {errc::conflict, 409, "invalid_request_error"},
      {errc::overloaded, 429, "rate_limit_error"},
      {errc::budget_exceeded, 429, "rate_limit_error"},
      {errc::cancelled, 499, "invalid_request_error"},
      {errc::engine_failed, 502, "server_error"},
      {errc::invalid_output, 502, "server_error"},
      {errc::unavailable, 503, "server_error"},
      {errc::deadline_exceeded, 504, "server_error"},
      {errc::internal, 500, "server_error"},
      {errc::unknown, 500, "server_error"},
      {errc::storage_failed, 500, "server_error"},
      {errc::weights_changed, 500, "server_error"},
  };
  for (const auto& test : cases) {
    auto error = to_openai_error(test.code, "words");
    EXPECT_EQ(error.status, test.status) << to_string(test.code);
    EXPECT_EQ(error.type, test.type) << to_string(test.code);
    EXPECT_EQ(error.message, "words");
  }
  EXPECT_EQ(to_openai_error(errc::budget_exceeded, "").code, "insufficient_quota");
}

TEST(OpenaiError, IsWrittenAsItsClientsKnowIt) {
  openai_error error;
  error.message = "say \"hi\"\n";
  EXPECT_EQ(
      to_json(error),
      R"({"error":{"message":"say \"hi\"\n","type":"invalid_request_error","param":null,"code":null}})");
  error.param = "messages[0]";
  error.code = "invalid_type";
  json_document json{to_json(error)};
  EXPECT_EQ(json.at("/error/param"), "messages[0]");
  EXPECT_EQ(json.at("/error/code"), "invalid_type");
}

}  // namespace
}  // namespace tandem
