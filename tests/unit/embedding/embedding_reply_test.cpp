#include <gtest/gtest.h>

#include <string>

#include "actors/embedding/embedding_reply.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

std::string reply(const std::string& numbers) {
  return R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[)" + numbers +
         R"(]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}})";
}

std::string many(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "0.5" : ",0.5";
  return out;
}

TEST(embedding_reply, ReadsNumbersHoweverTheyAreWritten) {
  auto read = read_embedding(reply("1, -0.25,3e-2,0"));
  ASSERT_TRUE(read) << message_of(read.error());
  EXPECT_EQ(*read, (std::vector<float>{1, -0.25f, 0.03f, 0}));
}

TEST(embedding_reply, TakesAsManyDimensionsAsThereMayBe) {
  EXPECT_EQ(read_embedding(reply(many(embedding_dimensions_max)))->size(),
            embedding_dimensions_max);
  EXPECT_FALSE(read_embedding(reply(many(embedding_dimensions_max + 1))));
}

TEST(embedding_reply, RefusesAnotherLengthThanBefore) {
  EXPECT_TRUE(read_embedding(reply("1,2,3"), 3));
  auto other = read_embedding(reply("1,2"), 3);
  ASSERT_FALSE(other);
  EXPECT_NE(message_of(other.error()).find("2 dimensions, and 3 before"), std::string::npos);
}

TEST(embedding_reply, RefusesWhatIsNoEmbedding) {
  const std::string wrong[] = {
      "",
      "no JSON",
      "[]",
      "{}",
      R"({"data":{}})",
      R"({"data":[]})",
      R"({"data":[1]})",
      R"({"data":[{"embedding":"AAAA"}]})",
      R"({"data":[{"embedding":[1]},{"embedding":[2]}]})",
      R"({"error":{"message":"no such model"}})",
      reply(""),
      reply("1,null"),
      reply("1,\"2\""),
      reply("1,[2]"),
      reply("1,1e39"),
      reply("1,NaN"),
      reply("1").substr(0, 60),
      std::string(100'000, '['),
      reply("1") + std::string(embedding_reply_bytes_max, ' '),
  };
  for (const auto& body : wrong) {
    auto read = read_embedding(body);
    ASSERT_FALSE(read) << body.substr(0, 80);
    EXPECT_EQ(code_of(read.error()), errc::engine_failed);
  }
}

}  // namespace
}  // namespace tandem
