#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/simulate/trace_source.hpp"
#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::simulation {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TraceSource : public ::testing::Test {
 protected:
  std::filesystem::path write(std::string_view text) {
    auto file = folder.path() / "trace";
    std::ofstream{file, std::ios::binary} << text;
    return file;
  }
  std::vector<work_item> read(std::string_view text, const trace_options& options = {}) {
    auto source = open_trace(write(text), options);
    EXPECT_TRUE(source) << message_of(source.error());
    std::vector<work_item> out;
    if (!source) return out;
    work_item item;
    while (true) {
      auto more = (*source)->next(item);
      EXPECT_TRUE(more) << message_of(more.error());
      if (!more || !*more) return out;
      out.push_back(item);
    }
  }
  /// What is said of it, at its opening or while it is read.
  std::string problem(std::string_view text) {
    auto source = open_trace(write(text), {});
    if (!source) return message_of(source.error());
    work_item item;
    while (true) {
      auto more = (*source)->next(item);
      if (!more) return message_of(more.error());
      if (!*more) return "";
    }
  }
  static std::vector<double> times(const std::vector<work_item>& items) {
    std::vector<double> out;
    for (const auto& item : items) out.push_back(item.at_s);
    return out;
  }

  test::temp_folder folder;
};

TEST_F(TraceSource, ReadsMooncakeAndSpreadsWhatHasOneStamp) {
  auto items =
      read(R"({"timestamp": 0, "input_length": 1100, "output_length": 50, "hash_ids": [0, 1, 2]})"
           "\n"
           R"({"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 9]})"
           "\n"
           R"({"timestamp": 3000, "input_length": 20, "output_length": 1, "hash_ids": []})"
           "\n");
  ASSERT_EQ(items.size(), 3);
  EXPECT_THAT(times(items), ElementsAre(0, 1.5, 3));
  EXPECT_EQ(items[0].input_tokens, 1100);
  EXPECT_EQ(items[0].block_tokens, 512);
  EXPECT_EQ(items[0].blocks[0], items[1].blocks[0]) << "a common prefix";
  EXPECT_NE(items[0].blocks[1], items[1].blocks[1]);
}

TEST_F(TraceSource, ReadsAzuresCsv) {
  auto items = read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 18:17:03.9799600,4808,10\r\n"
      "2023-11-16 18:17:04.0319600,3180,8\r\n");
  ASSERT_EQ(items.size(), 2);
  EXPECT_THAT(times(items), ElementsAre(0, DoubleNear(0.052, 1e-3)));
  EXPECT_EQ(items[1].input_tokens, 3180);
  EXPECT_EQ(items[1].output_tokens, 8);
}

TEST_F(TraceSource, ReadsLogsOfCallsInTheirUsualForms) {
  auto items = read(
      R"({"created":1700000000,"model":"m","user":"ann","usage":{"prompt_tokens":10,"completion_tokens":2}})"
      "\n"
      R"({"timestamp":"2023-11-14T22:13:22Z","prompt_tokens":7,"completion_tokens":3})"
      "\n"
      R"({"time":1700000004500,"usage":{"input_tokens":5,"output_tokens":1}})"
      "\n");
  ASSERT_EQ(items.size(), 3);
  EXPECT_THAT(times(items), ElementsAre(0, 2, 4.5));
  EXPECT_EQ(items[0].tenant, "ann");
  EXPECT_EQ(items[2].input_tokens, 5);
}

TEST_F(TraceSource, ReadsAnyCsvOfCallsAndLeavesOutWhatWasRefused) {
  auto items = read(
      "time,user,prompt_tokens,completion_tokens,status\n"
      "1700000000,ann,10,2,200\n"
      "1700000001,bob,,,429\n"
      "1700000002,bob,7,3,200\n");
  ASSERT_EQ(items.size(), 2);
  EXPECT_THAT(times(items), ElementsAre(0, 2));
  EXPECT_EQ(items[1].tenant, "bob");
  EXPECT_EQ(items[1].output_tokens, 3);
}

TEST_F(TraceSource, GoesFasterAndEndsEarlier) {
  std::string text;
  for (int i = 0; i < 10; ++i)
    text += R"({"time":)" + std::to_string(1'700'000'000 + i * 10) +
            R"(,"prompt_tokens":1,"completion_tokens":1})"
            "\n";
  EXPECT_THAT(times(read(text, {.speed = 5, .requests = 3})), ElementsAre(0, 2, 4));
}

TEST_F(TraceSource, ALogOutOfOrderIsSorted) {
  EXPECT_THAT(times(read("{\"time\":1700000010,\"prompt_tokens\":1,\"completion_tokens\":1}\n"
                         "{\"time\":1700000000,\"prompt_tokens\":1,\"completion_tokens\":1}\n"
                         "{\"time\":1700000012,\"prompt_tokens\":1,\"completion_tokens\":1}")),
              ElementsAre(0, 10, 12));
  std::string newest_first = "time,prompt_tokens,completion_tokens\n";
  for (int i = 10; i-- > 0;) newest_first += std::to_string(1'700'000'000 + i) + ",1,1\n";
  EXPECT_THAT(times(read(newest_first, {.requests = 3})), ElementsAre(0, 1, 2));
  EXPECT_THAT(
      times(read(R"({"timestamp": 1000, "input_length": 20, "output_length": 1, "hash_ids": []})"
                 "\n"
                 R"({"timestamp": -5000, "input_length": 20, "output_length": 1, "hash_ids": []})"
                 "\n")),
      ElementsAre(0, 6));
}

TEST_F(TraceSource, SaysWhichLineIsWrongAndWhy) {
  EXPECT_THAT(problem(""), HasSubstr("the file is empty"));
  EXPECT_THAT(problem("id;time\n"), HasSubstr("line 1: it is neither JSON nor a CSV header"));
  EXPECT_THAT(problem("{\"time\":1,\"prompt_tokens\":1,\"completion_tokens\":1}\n\n{\"time\":2}\n"),
              HasSubstr("line 3: it names no tokens"));
  EXPECT_THAT(problem("{\"prompt_tokens\":1,\"completion_tokens\":1}\n"),
              HasSubstr("line 1: it has no time"));
  EXPECT_THAT(problem("{\"usage\":{}}\n"), HasSubstr("line 1: it names no tokens"));
  EXPECT_THAT(
      problem("{\"hash_ids\":[\"a\"],\"timestamp\":0,\"input_length\":1,\"output_length\":1}"),
      HasSubstr("line 1 has a hash id"));
  EXPECT_THAT(problem("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-13-16 18:17:03,1,1\n"),
              HasSubstr("line 2: its time cannot be read"));
  EXPECT_THAT(problem("{\"time\":1" + std::string(5 << 20, ' ') + "}"), HasSubstr("4 MiB"));
  EXPECT_THAT(problem("{\"time\":1,\"usage\":" + std::string(3000, '[')),
              HasSubstr("line 1: it is no JSON"));
}

TEST_F(TraceSource, AMissingFileIsNamed) {
  auto source = open_trace(folder.path() / "nowhere.jsonl", {});
  ASSERT_FALSE(source);
  EXPECT_EQ(code_of(source.error()), errc::not_found);
  EXPECT_THAT(message_of(source.error()), HasSubstr("nowhere.jsonl"));
}

}  // namespace
}  // namespace tandem::simulation
