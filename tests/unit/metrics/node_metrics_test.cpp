#include "actors/metrics/node_metrics.hpp"

#include <cstdio>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/metrics/metrics_page.hpp"
#include "tests/unit/metrics/view_builder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(const node_metrics& counted) {
  return metrics_page({.counted = &counted});
}

TEST(NodeMetrics, CountsTokensAndCostOfEveryCall) {
  node_metrics counted;
  for (int i = 0; i < 3; ++i)
    counted.on_call(*testing::make_decision().read(), *testing::make_result().read());
  counted.on_call(*testing::make_decision("large", "large").read(),
                  *testing::make_result(schema::Errc::ENGINE_FAILED).read());
  auto page = page_of(counted);
  EXPECT_THAT(page, HasSubstr("tandem_pool_prompt_tokens_total{model=\"small\"} 300\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_cached_prompt_tokens_total{model=\"small\"} 120\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_completion_tokens_total{model=\"large\"} 20\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_cost_usd_total{tier=\"small\"} 0.003\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_cost_all_large_usd_total{tier=\"large\"} 0.005\n"));
  EXPECT_THAT(page, HasSubstr("outcome=\"engine_failed\""));
  auto totals = counted.totals();
  EXPECT_EQ(totals.tokens, 480);
  EXPECT_NEAR(totals.cost_usd, 0.004, 1e-9);
  EXPECT_NEAR(totals.cost_all_large_usd, 0.02, 1e-9);
}

TEST(NodeMetrics, TellsFailuresOfTheServiceFromOthers) {
  node_metrics counted;
  auto end = [&](schema::Errc code) {
    counted.on_attempt(schema::Purpose::STEP, *testing::make_result(code).read());
  };
  end(schema::Errc::UNKNOWN);
  end(schema::Errc::ENGINE_FAILED);
  end(schema::Errc::UNAVAILABLE);
  end(schema::Errc::CANCELLED);
  end(schema::Errc::INVALID_OUTPUT);
  end(schema::Errc::BUDGET_EXCEEDED);
  auto totals = counted.totals();
  EXPECT_EQ(totals.attempts, 6);
  EXPECT_EQ(totals.attempts_failed, 2);
  auto page = page_of(counted);
  for (const char* outcome :
       {"ok", "engine_failed", "unavailable", "cancelled", "invalid_output", "budget_exceeded"})
    EXPECT_THAT(page, HasSubstr("outcome=\"" + std::string{outcome} + "\",purpose=\"step\"} 1\n"));
}

TEST(NodeMetrics, ObservesLatenciesOfAnswersOfEnginesOnly) {
  node_metrics counted;
  counted.on_attempt(schema::Purpose::STEP, *testing::make_result().read());
  counted.on_attempt(schema::Purpose::STEP,
                     *testing::make_result(schema::Errc::ENGINE_FAILED).read());
  message_builder<schema::AttemptResult> cached;
  cached.copy(*testing::make_result().read());
  cached->initCache().setLevel(2);
  counted.on_attempt(schema::Purpose::STEP, *cached.finish().read());
  auto page = page_of(counted);
  EXPECT_THAT(page,
              HasSubstr("tandem_pool_latency_seconds_count{purpose=\"step\",tier=\"small\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("outcome=\"cached\""));
  std::uint64_t seen = 0;
  for (auto each : counted.totals().latencies) seen += each;
  EXPECT_EQ(seen, 1);
}

TEST(NodeMetrics, CountsWhatCachesSave) {
  node_metrics counted;
  message_builder<schema::Usage> usage;
  usage->setCacheHits(1);
  usage->setSavedNanousd(2'000'000);
  usage->setCostAllLargeNanousd(9'000'000);
  counted.on_cache_hit("small", 3, usage->asReader());
  auto page = page_of(counted);
  EXPECT_THAT(page, HasSubstr("tandem_pool_cache_hits_total{level=\"3\",tier=\"small\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_saved_usd_total{tier=\"small\"} 0.002\n"));
  EXPECT_NEAR(counted.totals().cost_all_large_usd, 0.009, 1e-9);
  EXPECT_EQ(counted.totals().cost_usd, 0);
}

TEST(NodeMetrics, CountsJobsAndRungsFromTheirRecords) {
  node_metrics counted;
  message_builder<schema::JobRecord> submitted;
  submitted->initSubmitted().setMode(schema::PlanMode::PLAN_ACT);
  counted.on_record(submitted->asReader());
  message_builder<schema::JobRecord> failed;
  failed->initAttemptFailed().setRung("other model");
  counted.on_record(failed->asReader());
  message_builder<schema::JobSummary> ended;
  ended->setState(schema::JobState::DONE);
  ended->setMode(schema::PlanMode::LARGE);
  ended->setRouted(true);
  ended->setSubmittedAtMs(1000);
  ended->setEndedAtMs(3000);
  counted.on_job_end(ended->asReader());
  auto page = page_of(counted);
  EXPECT_THAT(page, HasSubstr("tandem_planner_jobs_accepted_total{mode=\"plan_act\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_job_rungs_total{rung=\"other_model\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_planner_jobs_ended_total{state=\"done\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_planner_job_duration_seconds_sum{mode=\"auto\"} 2\n"));
  EXPECT_EQ(counted.totals().jobs_done, 1);
}

TEST(NodeMetrics, KeepsLabelsBounded) {
  node_metrics counted;
  for (int i = 0; i < 2000; ++i) {
    auto name = "model-" + std::to_string(i);
    counted.on_call(*testing::make_decision(name, name).read(), *testing::make_result().read());
    counted.on_http("/" + name, 200, 0.001);
  }
  auto page = page_of(counted);
  EXPECT_THAT(page, HasSubstr("tandem_pool_prompt_tokens_total{model=\"model-0\"} 100\n"));
  EXPECT_THAT(page, HasSubstr("tandem_pool_prompt_tokens_total{model=\"other\"}"));
  EXPECT_THAT(page, HasSubstr("tandem_gateway_request_seconds_count{route=\"other\"}"));
  EXPECT_THAT(page, Not(HasSubstr("model-1999")));
  // All of it is counted, whatever the label.
  EXPECT_EQ(counted.totals().tokens, 2000 * 120);
  EXPECT_LT(page.size(), std::size_t{1} << 20);
}

TEST(NodeMetrics, LosesNothingWhenThreadsCountAtOnce) {
  node_metrics counted;
  constexpr int threads = 4;
  constexpr int rounds = 2000;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&counted] {
      auto result = testing::make_result();
      auto decision = testing::make_decision();
      for (int i = 0; i < rounds; ++i) {
        counted.on_attempt(schema::Purpose::STEP, *result.read());
        counted.on_call(*decision.read(), *result.read());
        counted.on_http("/v1/jobs", 200 + static_cast<unsigned>(i % 3), 0.01);
      }
    });
  for (auto& each : running) each.join();
  EXPECT_EQ(counted.totals().attempts, threads * rounds);
  auto page = page_of(counted);
  EXPECT_THAT(page,
              HasSubstr("tandem_pool_attempts_total{outcome=\"ok\",purpose=\"step\"} 8000\n"));
  EXPECT_THAT(page, HasSubstr("tandem_gateway_request_seconds_count{route=\"/v1/jobs\"} 8000\n"));
}

TEST(NodeMetrics, SaysWhatAnUpdateCosts) {
  node_metrics counted;
  auto result = testing::make_result();
  auto decision = testing::make_decision();
  constexpr int rounds = 100'000;
  auto time = [](const char* what, auto&& once) {
    auto began = testing::thread_cpu_s();
    for (int i = 0; i < rounds; ++i) once();
    std::printf("%s: %.0f ns of CPU\n", what, (testing::thread_cpu_s() - began) * 1e9 / rounds);
  };
  auto attempt = result.read();
  auto made = decision.read();
  time("on_attempt", [&] { counted.on_attempt(schema::Purpose::STEP, *attempt); });
  time("on_call", [&] { counted.on_call(*made, *attempt); });
  time("on_http", [&] { counted.on_http("/v1/chat/completions", 200, 0.001); });
  time("on_commit", [&] { counted.on_commit(10, 0.001); });
}

}  // namespace
}  // namespace tandem
