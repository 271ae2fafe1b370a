#include "nodes/simulate/job_row.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/simulate/trace_source.hpp"
#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using verdict = planned_step::verdict;

std::string attempt(int step, std::string_view purpose, std::string_view tier,
                    std::string_view error, int in, int out) {
  return R"({"attempt":1,"step":)" + std::to_string(step) + R"(,"epoch":0,"purpose":")" +
         std::string{purpose} + R"(","kind":"","model":"m","tier":")" + std::string{tier} +
         R"(","engine":"e","error":)" + (error.empty() ? "null" : '"' + std::string{error} + '"') +
         R"(,"calls":1,"prompt_tokens":)" + std::to_string(in) +
         R"(,"cached_prompt_tokens":0,"completion_tokens":)" + std::to_string(out) + "}";
}

std::string job(std::uint64_t at_ms, std::string_view steps, std::string_view attempts,
                std::string_view right = "null") {
  return R"({"v":1,"job":"1-)" + std::to_string(at_ms) + R"(","submitted_at_ms":)" +
         std::to_string(at_ms) + R"(,"ended_at_ms":null,"tenant":"ann","state":"done","right":)" +
         std::string{right} + R"(,"steps":[)" + std::string{steps} + R"(],"attempts":[)" +
         std::string{attempts} + "]}";
}

constexpr std::string_view two_steps =
    R"({"step":1,"epoch":0,"kind":"calc","depends_on":[]},{"step":2,"epoch":0,"kind":"cmp","depends_on":[1]})";

struct reading {
  row_read how;
  work_item item;
  std::string problem;
};

reading read(const std::string& line) {
  simdjson::dom::parser parser;
  reading out;
  out.how = read_job_row(parser, line, "small", out.item, out.problem);
  return out;
}

TEST(JobRow, IsTheJobWithItsPlanAndSizes) {
  auto r = read(job(5'000, two_steps,
                    attempt(0, "plan", "large", "", 300, 200) + "," +
                        attempt(1, "step", "small", "", 40, 5) + "," +
                        attempt(2, "step", "small", "", 50, 7)));
  ASSERT_EQ(r.how, row_read::ok) << r.problem;
  EXPECT_EQ(r.item.at_s, 5);
  EXPECT_EQ(r.item.tenant, "ann");
  EXPECT_EQ(r.item.input_tokens, 300);
  ASSERT_NE(r.item.job, nullptr);
  EXPECT_EQ(r.item.job->plan_tokens, 200);
  const auto& steps = r.item.job->steps;
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].kind, "calc");
  EXPECT_EQ(steps[0].prompt_tokens, 40);
  EXPECT_EQ(steps[0].output_tokens, 5);
  EXPECT_EQ(steps[0].input_tokens, 76) << "half of the plan's text, less ids and keys";
  EXPECT_THAT(steps[1].needs, ElementsAre(0));
  EXPECT_FALSE(r.item.verified);
}

TEST(JobRow, KnowsWhatASmallModelDidRightAndWhatNot) {
  auto r = read(job(1, two_steps,
                    attempt(1, "step", "small", "invalid_output", 40, 5) + "," +
                        attempt(1, "step", "large", "", 40, 5) + "," +
                        attempt(2, "step", "small", "", 50, 7),
                    "true"));
  ASSERT_EQ(r.how, row_read::ok) << r.problem;
  EXPECT_EQ(r.item.job->steps[0].small, verdict::wrong);
  EXPECT_EQ(r.item.job->steps[1].small, verdict::right) << "the job was said to be right";
  EXPECT_TRUE(r.item.verified);
  auto silent = read(job(1, two_steps, attempt(1, "step", "small", "", 40, 5)));
  EXPECT_EQ(silent.item.job->steps[0].small, verdict::unknown);
}

TEST(JobRow, StepsOfAPlanThatWasGivenUpAreLeftOut) {
  auto r = read(job(1,
                    R"({"step":1,"epoch":0,"kind":"a","depends_on":[]},)"
                    R"({"step":2,"epoch":0,"kind":"b","depends_on":[1]},)"
                    R"({"step":3,"epoch":1,"kind":"c","depends_on":[1]})",
                    attempt(1, "step", "small", "", 10, 1) + "," +
                        attempt(2, "step", "large", "engine_failed", 10, 1) + "," +
                        attempt(3, "step", "small", "", 10, 1)));
  ASSERT_EQ(r.how, row_read::ok) << r.problem;
  ASSERT_EQ(r.item.job->steps.size(), 2);
  EXPECT_EQ(r.item.job->steps[1].kind, "c");
  EXPECT_THAT(r.item.job->steps[1].needs, ElementsAre(0));
}

TEST(JobRow, AStepThatACacheAnsweredHasTheMeanSize) {
  auto r = read(
      job(1, two_steps,
          attempt(1, "step", "small", "", 0, 0) + "," + attempt(2, "step", "small", "", 50, 7)));
  EXPECT_EQ(r.item.job->steps[0].prompt_tokens, 50);
  EXPECT_EQ(r.item.job->steps[0].output_tokens, 7);
}

TEST(JobRow, AJobWithoutStepsIsACall) {
  auto r = read(job(1, "", attempt(0, "answer", "large", "", 90, 20)));
  ASSERT_EQ(r.how, row_read::ok) << r.problem;
  EXPECT_EQ(r.item.job, nullptr);
  EXPECT_EQ(r.item.input_tokens, 90);
  EXPECT_EQ(r.item.output_tokens, 20);
  EXPECT_EQ(read(job(1, "", "")).how, row_read::left_out) << "it never began";
}

TEST(JobRow, HostileLinesAreRefusedOrMadeHarmless) {
  auto problem = [](const std::string& line) {
    auto r = read(line);
    EXPECT_EQ(r.how, row_read::wrong) << line.substr(0, 80);
    return r.problem;
  };
  EXPECT_THAT(problem("{"), HasSubstr("no JSON object"));
  EXPECT_THAT(problem(R"({"job":"1","submitted_at_ms":-1})"), HasSubstr("submitted_at_ms"));
  EXPECT_THAT(problem(R"({"job":"1","submitted_at_ms":1})"), HasSubstr("`steps`"));
  EXPECT_THAT(problem(job(1, R"({"step":1},{"step":1})", "")), HasSubstr("one number"));
  EXPECT_THAT(problem(job(1, R"({"step":1,"depends_on":["x"]})", "")), HasSubstr("depends_on"));
  std::string many = R"({"step":1})";
  for (int i = 2; i < 1100; ++i) many += R"(,{"step":)" + std::to_string(i) + "}";
  EXPECT_THAT(problem(job(1, many, "")), HasSubstr("more than 1024"));
  auto r = read(job(1, R"({"step":1,"kind":"a\",\"x","depends_on":[1,2,9]})",
                    attempt(1, "step", "small", "", 1'000'000'000, -5)));
  ASSERT_EQ(r.how, row_read::ok);
  EXPECT_EQ(r.item.job->steps[0].kind, "a___x") << "it becomes part of a plan's JSON";
  EXPECT_THAT(r.item.job->steps[0].needs, IsEmpty()) << "no step before it";
  EXPECT_EQ(r.item.job->steps[0].prompt_tokens, 1'000'000);
}

class JobTrace : public ::testing::Test {
 protected:
  std::vector<work_item> items_of(const trace_options& options) {
    auto source = open_trace(file, options);
    EXPECT_TRUE(source) << message_of(source.error());
    std::vector<work_item> out;
    work_item item;
    while (source) {
      auto more = (*source)->next(item);
      if (!more || !*more) break;
      out.push_back(item);
    }
    return out;
  }

  test::temp_folder folder;
  std::filesystem::path file = folder.path() / "jobs.jsonl";
};

TEST_F(JobTrace, TheNewestFirstIsServedInTheOrderOfSubmission) {
  std::ofstream{file} << job(9'000, two_steps, attempt(1, "step", "small", "", 40, 5)) << "\n"
                      << job(8'500, "", "") << "\n"
                      << job(7'000, "", attempt(0, "answer", "large", "", 90, 20)) << "\n";
  auto items = items_of({});
  ASSERT_EQ(items.size(), 2);
  EXPECT_EQ(items[0].at_s, 0);
  EXPECT_EQ(items[1].at_s, 2);
  EXPECT_NE(items[1].job, nullptr);
}

TEST_F(JobTrace, ARealExportIsServedWithItsPlans) {
  // Of a node with the embedded models, as `tandem jobs export` wrote it.
  file = std::filesystem::path{TANDEM_SOURCE_DIR} / "tests/data/simulate/jobs.jsonl";
  auto items = items_of({});
  ASSERT_EQ(items.size(), 2);
  for (const auto& item : items) {
    EXPECT_EQ(item.tenant, "acme");
    EXPECT_EQ(item.input_tokens, 17) << "of the plan's prompt";
    ASSERT_NE(item.job, nullptr);
    ASSERT_EQ(item.job->steps.size(), 3);
    EXPECT_THAT(item.job->steps[1].needs, ElementsAre(0));
    EXPECT_THAT(item.job->steps[2].needs, ElementsAre(1));
    EXPECT_EQ(item.job->steps[0].kind, "calc");
    EXPECT_EQ(item.job->steps[0].prompt_tokens, 10);
    EXPECT_EQ(item.job->steps[0].output_tokens, 2);
  }
}

TEST_F(JobTrace, DifficultiesAreWithinWhatTheLogKnows) {
  std::string attempts;
  std::string steps;
  for (int i = 1; i <= 60; ++i) {
    steps += (i > 1 ? "," : "") + (R"({"step":)" + std::to_string(i) + R"(,"kind":"a"})");
    if (i > 1) attempts += ',';
    if (i % 2 == 0) attempts += attempt(i, "step", "small", "invalid_output", 9, 1) + ",";
    attempts += attempt(i, "step", i % 2 == 0 ? "large" : "small", "", 9, 1);
  }
  std::ofstream{file} << job(1, steps, attempts, "true") << "\n";
  auto once = items_of({.seed = 1, .small_quality = 0.6});
  ASSERT_EQ(once.size(), 1);
  ASSERT_EQ(once[0].job->steps.size(), 60);
  for (std::size_t i = 0; i < 60; ++i) {
    auto difficulty = once[0].job->steps[i].difficulty;
    if (i % 2 == 0)
      EXPECT_LE(difficulty, 0.6);
    else
      EXPECT_GT(difficulty, 0.6);
  }
  auto other = items_of({.seed = 2, .small_quality = 0.6});
  EXPECT_NE(once[0].job->steps[0].difficulty, other[0].job->steps[0].difficulty);
}

}  // namespace
}  // namespace tandem::simulation
