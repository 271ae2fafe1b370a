#include "nodes/economics/call_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/economics/assess_file.hpp"
#include "nodes/economics/log_time.hpp"
#include "schema/errc.hpp"
#include "tests/unit/economics/economics_testing.hpp"

namespace tandem {
namespace {

using testing::HasSubstr;

/// Fed in small pieces, so that lines lie across them.
std::string problem_of_log(call_log_reader& reader, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += 7) {
    if (auto err = reader.feed(text.substr(at, 7))) return message_of(err);
  }
  auto err = reader.finish();
  return err ? message_of(err) : "";
}

std::string problem_of_log(std::string_view text) {
  call_log_reader reader{"calls"};
  return problem_of_log(reader, text);
}

model_traffic only_model(std::string_view text) {
  call_log_reader reader{"calls"};
  EXPECT_EQ(problem_of_log(reader, text), "");
  auto models = reader.summary().models();
  EXPECT_EQ(models.size(), 1u);
  return models.empty() ? model_traffic{} : models.front();
}

TEST(CallLog, ReadsWhatProvidersAndGatewaysWrite) {
  for (
      const auto* line :
      {R"({"created":1769860000,"model":"m","usage":{"prompt_tokens":100,"completion_tokens":20}})",
       R"({"timestamp":"2026-01-31T11:46:40Z","model":"m","usage":{"input_tokens":100,"output_tokens":20}})",
       R"({"startTime":"2026-01-31 11:46:40.000","model":"m","prompt_tokens":100,"completion_tokens":20,"spend":0.5})",
       R"({"request_created_at":1769860000000,"request_model":"m","promptTokens":100,"completionTokens":20})",
       R"({"time":"2026-01-31T12:46:40+01:00","response":{"body":{"model":"m","usage":{"prompt_tokens":100,"completion_tokens":20}}}})"}) {
    auto traffic = only_model(line);
    EXPECT_EQ(traffic.model, "m") << line;
    EXPECT_EQ(traffic.mean_input(), 100) << line;
    EXPECT_EQ(traffic.mean_output(), 20) << line;
    EXPECT_NEAR(traffic.first_s, 1769860000, 1e-3) << line;
  }
}

TEST(CallLog, ReadsCsvWithItsHeader) {
  auto traffic = only_model(
      "\xef\xbb\xbfTIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:19:03.9799600,3180,8\r\n");
  EXPECT_EQ(traffic.calls, 2u);
  EXPECT_EQ(traffic.mean_input(), 3994);
  EXPECT_NEAR(traffic.span_s(), 120, 1e-3);
  EXPECT_NEAR(*traffic.qps(), 2 / 120.0, 1e-6);
  auto quoted = only_model(
      "time,\"the \"\"prompt\"\"\",model,prompt_tokens,completion_tokens,cost\n"
      "1769860000,\"a, b\nc\",m,10,5,0.25\n1769860001,\"\",m,20,5,0.75\n");
  EXPECT_EQ(quoted.calls, 2u);
  EXPECT_EQ(*quoted.mean_usd(), 0.5);
}

TEST(CallLog, ReadsATraceThatCountsMillisecondsFromItsStart) {
  auto mooncake = only_model(R"({"timestamp":0,"input_length":10,"output_length":5}
{"timestamp":120000,"input_length":30,"output_length":5})");
  EXPECT_NEAR(mooncake.span_s(), 120, 1e-9) << "milliseconds from its start";
}

TEST(CallLog, CountsTheBusiestMinute) {
  std::string text;
  for (int s = 0; s < 1200; ++s) {
    auto calls = s >= 600 && s < 660 ? 4 : 1;
    for (int i = 0; i < calls; ++i)
      text += "{\"time\":" + std::to_string(1'769'860'020 + s) +
              ",\"model\":\"m\",\"prompt_tokens\":1,\"completion_tokens\":1}\n";
  }
  auto traffic = only_model(text);
  EXPECT_NEAR(*traffic.qps(), 1380.0 / 1199, 1e-9);
  EXPECT_NEAR(*traffic.peak(), 4 / *traffic.qps(), 1e-9);
}

TEST(CallLog, PutsTheDearestModelFirst) {
  call_log_reader reader{"calls"};
  EXPECT_EQ(
      problem_of_log(reader, R"({"model":"a","prompt_tokens":900,"completion_tokens":9,"cost":0.1}
{"model":"b","prompt_tokens":9,"completion_tokens":9,"cost":0.2})"),
      "");
  EXPECT_EQ(choose_model(reader.summary(), "")->model, "b");
  EXPECT_EQ(choose_model(reader.summary(), "a")->model, "a");
  auto none = choose_model(reader.summary(), "c");
  ASSERT_FALSE(none);
  EXPECT_THAT(message_of(none.error()), HasSubstr("it has 'b', 'a'"));
}

TEST(CallLog, CountsWhatItCannotReadByReasonAndFirstLine) {
  call_log_reader reader{"calls"};
  EXPECT_EQ(problem_of_log(reader, R"({"model":"m","prompt_tokens":5,"completion_tokens":5}
{"model":"m","promp
{"model":"m"}

{"model":"m","prompt_tokens":-5,"completion_tokens":5}
{"model":"m","prompt_tokens":"x","completion_tokens":5}
[1]
{"time":"yesterday","prompt_tokens":5}
{"model":"m","status":"failure","prompt_tokens":5}
{"model":"m","status_code":429}
)"),
            "");
  EXPECT_EQ(reader.summary().calls(), 1u);
  EXPECT_EQ(reader.summary().failed(), 2u);
  auto lines = [&](std::string_view why) {
    for (const auto& s : reader.skipped()) {
      if (s.why.find(why) != std::string::npos) return std::pair{s.count, s.first_line};
    }
    return std::pair<std::uint64_t, std::uint64_t>{};
  };
  EXPECT_EQ(lines("no JSON object"), (std::pair<std::uint64_t, std::uint64_t>{1, 7}));
  EXPECT_EQ(lines("names no tokens"), (std::pair<std::uint64_t, std::uint64_t>{1, 3}));
  EXPECT_EQ(lines("below zero"), (std::pair<std::uint64_t, std::uint64_t>{2, 5}));
  EXPECT_EQ(lines("time cannot be read"), (std::pair<std::uint64_t, std::uint64_t>{1, 8}));
}

TEST(CallLog, SaysWhatIsNoLogAndWhy) {
  EXPECT_EQ(problem_of_log(""), "calls:1: it is empty");
  EXPECT_THAT(problem_of_log("hello\nworld\n"),
              HasSubstr("calls:1: it is neither JSON nor a CSV header that names tokens"));
  EXPECT_THAT(problem_of_log("\n\n[{\"a\":1}]"), HasSubstr("calls:3: it is one list of JSON"));
  EXPECT_THAT(problem_of_log("{\"a\":1}\n"), HasSubstr("calls:1: there is no call in it"));
  EXPECT_THAT(problem_of_log("time,prompt_tokens\n1,2,3\n"),
              HasSubstr("calls:2: there is no call in it; of this line: it has more or fewer"));
  EXPECT_THAT(problem_of_log(std::string(64, '\0')), HasSubstr("calls:1:"));
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "{}\n";
  EXPECT_THAT(problem_of_log(many), HasSubstr("no call in the first 10,000 lines"));
}

TEST(CallLog, KeepsNoLongLineAndNoMoreModelsAndMinutesThanItSays) {
  call_log_reader reader{"calls"};
  const std::string good = R"({"model":"m","prompt_tokens":5,"completion_tokens":5})"
                           "\n";
  EXPECT_FALSE(reader.feed(good));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(reader.feed(piece));
  EXPECT_FALSE(reader.feed("\n" + good));
  for (int i = 0; i < 500; ++i)
    EXPECT_FALSE(reader.feed("{\"model\":\"m" + std::to_string(i) + "\",\"time\":" +
                             std::to_string(i * 1000) + ",\"prompt_tokens\":5}\n"));
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.summary().calls(), 502u);
  EXPECT_LE(reader.summary().models().size(), log_summary::models_max + 1);
  ASSERT_EQ(reader.skipped().size(), 1u);
  EXPECT_EQ(reader.skipped()[0].why, "longer than 4 MiB");
  EXPECT_EQ(reader.skipped()[0].first_line, 2u);
}

TEST(CallLog, AQuoteThatIsNeverClosedEndsWithTheFile) {
  call_log_reader reader{"calls"};
  std::string text = "model,prompt_tokens\nm,5\n\"";
  for (int i = 0; i < 200'000; ++i) text += "a\n";
  for (std::size_t at = 0; at < text.size(); at += 65536)
    EXPECT_FALSE(reader.feed(std::string_view{text}.substr(at, 65536)));
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.summary().calls(), 1u);
  EXPECT_EQ(reader.skipped().front().why, "a quote is never closed");
  EXPECT_EQ(reader.skipped().front().first_line, 3u);
}

TEST(CallLog, DeepJsonIsOnlyALineThatCannotBeRead) {
  call_log_reader reader{"calls"};
  EXPECT_FALSE(reader.feed(R"({"model":"m","prompt_tokens":5})"
                           "\n"));
  EXPECT_FALSE(reader.feed("{\"a\":" + std::string(100'000, '[') + "\n"));
  std::string nested;
  for (int i = 0; i < 500; ++i) nested += "{\"response\":";
  EXPECT_FALSE(reader.feed(nested + "{}" + std::string(500, '}') + "\n"));
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.summary().calls(), 1u);
}

TEST(LogTime, ReadsTheUsualForms) {
  EXPECT_EQ(parse_log_time("1970-01-02"), std::nullopt);
  EXPECT_EQ(parse_log_time("1970-01-02T00:00"), 86400);
  EXPECT_EQ(parse_log_time("1970-01-01T01:00:00.5+01:00"), 0.5);
  EXPECT_EQ(parse_log_time("1970/01/01 00:00:07 UTC"), 7);
  EXPECT_NEAR(*parse_log_time("1769860000123"), 1769860000.123, 1e-5);
  EXPECT_EQ(log_seconds(12.5), 12.5);
  for (const auto* bad : {"", "now", "2026-13-01T00:00:00", "2026-02-30T00:00:00",
                          "2026-01-01T25:00:00", "2026-01-01T00:00:00+99:00", "-5", "1e400"})
    EXPECT_EQ(parse_log_time(bad), std::nullopt) << bad;
}

TEST(CallLog, AnAssessmentOfALogTellsMeasuredFromAssumed) {
  call_log_reader reader{"calls"};
  std::string text;
  for (int i = 0; i < 4000; ++i)
    text +=
        "{\"time\":" + std::to_string(1'769'860'000 + i / 4) +
        ",\"model\":\"big\",\"prompt_tokens\":900,\"completion_tokens\":200,\"cost\":0.00425}\n";
  ASSERT_EQ(problem_of_log(reader, text), "");
  assess_builder builder{test::fleets};
  builder.use_log(*choose_model(reader.summary(), ""), "calls");
  auto request = builder.finish();
  ASSERT_TRUE(request) << message_of(request.error());
  const auto& inputs = request->inputs;
  EXPECT_EQ(inputs.workload.qps.kind, number_kind::measured);
  EXPECT_EQ(inputs.workload.input_tokens.kind, number_kind::measured);
  EXPECT_EQ(inputs.large.usd_per_call->kind, number_kind::measured);
  EXPECT_EQ(inputs.workload.large_share.kind, number_kind::assumed);
  EXPECT_TRUE(inputs.workload.large_share.has_range());
  auto made = assess(inputs, {});
  EXPECT_EQ(made.get("large_usd_per_1k").worst, number_kind::measured);
  EXPECT_NEAR(*made.get("large_usd_per_1k").value, 4.25, 1e-9);
  // What a log cannot say is named, with how to find it out.
  auto says_share = false;
  for (const auto& d : made.deciding)
    says_share = says_share || d.name == "share of calls that need the large model";
  EXPECT_TRUE(says_share);
}

}  // namespace
}  // namespace tandem
