#include "nodes/economics/assess_file.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.hpp"
#include "tests/unit/economics/economics_testing.hpp"

namespace tandem {
namespace {

using test::assess_text;
using test::problem_of;
using testing::HasSubstr;

std::string example(const std::string& name) {
  return test::read_text(TANDEM_SOURCE_DIR "/config/assess/" + name);
}

TEST(AssessFile, ThePublicExampleAgrees) {
  auto made = assess_text(example("public.toml"));
  EXPECT_EQ(made.outcome.kind, verdict_kind::recommended) << made.outcome.text;
  EXPECT_NEAR(*made.get("saving_share").value, 0.609, 0.0005);
  std::set<std::string_view> names;
  for (const auto& f : made.findings) {
    EXPECT_FALSE(f.contradicts) << f.arithmetic;
    names.insert(f.name);
  }
  EXPECT_TRUE(names.contains("payback_roi"));
  EXPECT_TRUE(names.contains("saving_share"));
}

TEST(AssessFile, TheBriefIsRefusedForEachOfItsContradictions) {
  auto made = assess_text(example("brief.toml"));
  EXPECT_TRUE(made.is_refused());
  EXPECT_TRUE(made.estimates.empty()) << "no figure stands on contradictions";
  std::multiset<std::string> names;
  for (const auto& f : made.findings) {
    if (f.contradicts) names.emplace(f.name);
  }
  EXPECT_EQ(names,
            (std::multiset<std::string>{"break_even_line", "latency_steps", "littles_law",
                                        "littles_law", "payback_roi", "payback_roi",
                                        "throughput_multiple", "yearly_saving", "yearly_saving"}));
}

TEST(AssessFile, TheBriefsClaimsAreImpossibleAtPublicPrices) {
  auto made =
      assess_text(test::public_pools("qps = 1000\nlarge_share = 0.25",
                                     "[[claim]]\nsaving_percent = [60, 85]\n"
                                     "[[claim]]\nqps = 1000\nsaving_usd_year = 41_820_000\n"));
  std::multiset<std::string> names;
  for (const auto& f : made.findings) {
    if (f.contradicts) names.emplace(f.name);
  }
  EXPECT_TRUE(names.contains("saving_ceiling"));
  EXPECT_TRUE(names.contains("whole_bill"));
}

TEST(AssessFile, TheExampleOfJobsIsAssessed) {
  auto made = assess_text(example("plan_act.toml"));
  EXPECT_FALSE(made.is_refused());
  EXPECT_TRUE(made.get("tandem_latency_ms").value);
  EXPECT_LT(*made.get("tandem_latency_ms").value, *made.get("baseline_latency_ms").value);
}

TEST(AssessFile, ARefusedFileSaysWhereAndWhatInstead) {
  EXPECT_THAT(problem_of("[workload]\nqsp = 3\n"),
              HasSubstr("a.toml:2:1: there is no key 'qsp' in [workload]; did you mean 'qps'?"));
  EXPECT_THAT(problem_of("[workload]\nqps = -1\n"),
              HasSubstr("a.toml:2:7: qps = -1 must be a number from 0 to 1e+09"));
  EXPECT_THAT(problem_of("[workload]\nqps = \"many\"\n"), HasSubstr("qps must be a number"));
  EXPECT_THAT(problem_of("[workload]\nqps = inf\n"), HasSubstr("qps must be a number"));
  EXPECT_THAT(problem_of("[workload]\nlarge_share = 25\n"), HasSubstr("a number from 0 to 1"));
  EXPECT_THAT(problem_of("[workload]\nqps = 1\nsteps = 4\n"),
              HasSubstr("steps belongs to shape = \"jobs\""));
  EXPECT_THAT(problem_of("[workload]\nshape = \"job\"\n"), HasSubstr("must be calls or jobs"));
  EXPECT_THAT(problem_of("[worklaod]\nqps = 1\n"), HasSubstr("did you mean 'workload'?"));
  EXPECT_THAT(problem_of("workload = 3\n"), HasSubstr("write [workload] and its keys below it"));
  EXPECT_THAT(problem_of("[large]\nprofile = \"qwen9\"\n[workload]\nqps = 1\n"),
              HasSubstr("a.toml:2:11: there is no profile 'qwen9'; there are brief, "));
  EXPECT_THAT(problem_of("[large]\ninput_price = 3\n[workload]\nqps = 1\n"),
              HasSubstr("belong together"));
  EXPECT_THAT(problem_of("[[claim]]\nsaving_percent = [85, 60]\n"), HasSubstr("two in order"));
  EXPECT_THAT(problem_of("[workload]\nlarge_share = 0.5\n"), HasSubstr("--qps"));
  EXPECT_THAT(problem_of("[workload]\nqps = 1\ninput_tokens = 0\noutput_tokens = 0\n"),
              HasSubstr("a call has no tokens"));
  EXPECT_THAT(problem_of("[workload"), HasSubstr("this is no TOML"));
  EXPECT_THAT(problem_of("[workload]\nqps = { value = 3, kind = \"measured\" }\n"),
              HasSubstr("must say its source"));
}

TEST(AssessFile, SurvivesHostileText) {
  std::string claims = "[workload]\nqps = 1\n";
  for (int i = 0; i < 65; ++i) claims += "[[claim]]\nqps = 1\n";
  EXPECT_THAT(problem_of(claims), HasSubstr("at most 64 sections"));
  EXPECT_THAT(problem_of(std::string(1 << 21, 'x')), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(problem_of(std::string(100'000, '[')), HasSubstr("a.toml"));
  // Numbers at their limits give figures that are finite or none, never a crash.
  for (const auto* extreme :
       {"[workload]\nqps = 1e9\ninput_tokens = 1e6\noutput_tokens = 1e6\n",
        "[workload]\nqps = 1e-300\n", "[workload]\nqps = 1\ninput_tokens = 0\noutput_tokens = 1\n",
        "[workload]\nqps = 1\nlarge_share = 0\n", "[workload]\nqps = 1\nlarge_share = 1\n",
        "[workload]\nqps = 5\n[large]\nusd_per_1k = 1e-9\n[small]\nusd_per_1k = 1e9\n",
        "[workload]\nshape = \"jobs\"\nqps = 5\nsteps = 0\nplan_calls = 0\n",
        "[workload]\nqps = 5\n[costs]\nbuild_usd = 0\nrunning_usd_year = 0\n"}) {
    auto made = assess_text(extreme, {.draws = 50});
    EXPECT_FALSE(made.outcome.text.empty()) << extreme;
  }
}

}  // namespace
}  // namespace tandem
