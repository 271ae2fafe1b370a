#include "nodes/node/json_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

std::string line_of(std::string_view message) {
  return json_log_line(
      std::chrono::system_clock::time_point{std::chrono::milliseconds{1'800'000'000'007}}, "info",
      message);
}

constexpr const char* head = R"({"time":"2027-01-15T08:00:00.007Z","level":"info",)";

TEST(JsonLog, MakesFieldsOfTheValuesAfterTheEvent) {
  EXPECT_EQ(line_of("ready node=n1 address=127.0.0.1:7420 journal=k3fwq2xm"),
            std::string{head} +
                R"("event":"ready","node":"n1","address":"127.0.0.1:7420","journal":"k3fwq2xm"})");
  EXPECT_EQ(line_of("routing: set aside what=\"a file\""),
            std::string{head} + R"("event":"routing: set aside","what":"a file"})");
  EXPECT_EQ(line_of("stopped"), std::string{head} + R"("event":"stopped"})");
  EXPECT_EQ(line_of(""), std::string{head} + R"("event":""})");
}

TEST(JsonLog, KeepsQuotesAndControlCharactersWithinTheirValue) {
  EXPECT_EQ(line_of("cannot join reason=\"it says \"no\" and\n more\" address=a"),
            std::string{head} +
                R"("event":"cannot join","reason":"it says \"no\" and\n more","address":"a"})");
  EXPECT_THAT(line_of("broken reason=\"no end"), HasSubstr(R"("reason":"\"no")"));
  EXPECT_THAT(line_of("bytes \xff\xfe key=\x1b[31m"), HasSubstr(R"(\u001b[31m)"));
}

TEST(JsonLog, NoValueTakesThePlaceOfTheLinesOwnFields) {
  EXPECT_EQ(
      line_of("event=x level=y time=z a=1 a=2"),
      std::string{head} + R"("event":"","event_":"x","level_":"y","time_":"z","a":"1","a_":"2"})");
}

}  // namespace
}  // namespace tandem::testing
