// Plan/act jobs by the model `tandem`, nine calls each, durable, 64 in flight.

#include <cstdio>
#include <fstream>

#include "tests/bench/gateway/gateway_bench.hpp"
#include "tests/bench/gateway/stream_client.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::bench {
namespace {

constexpr int in_flight = 64;
/// Restate 1.7 with fsync and one worker, measured on a machine like this: it cannot be had here.
constexpr double restate_per_s = 150;
constexpr const char* job_body =
    R"({"model":"tandem","tandem":{"mode":"plan_act"},)"
    R"("messages":[{"role":"user","content":"a goal of some thirty bytes"}]})";

}  // namespace

void run_plan_act_jobs(gateway_results& results) {
  temp_folder folder{"gateway-jobs"};
  auto plan = folder.path() / "plan.json";
  std::ofstream{plan} << test::layered_plan({4, 3, 1});
  auto stub = start_stub({"--plan", plan.string(), "--answer", "42"});
  auto node = start_node(
      folder.path() / "node",
      {.large_url = stub->url(), .small_url = stub->url(), .where = place::anywhere, .threads = 0});
  constexpr const char* path = "/v1/chat/completions";
  if (auto one = ask_once(*node, job_body); one.find(R"("calls":9)") == one.npos)
    give_up("a job is not what it should be: " + one);
  auto alone = run_wrk(*node, path, job_body, 1, 2);
  auto cpu = node->cpu_seconds();
  auto seen = run_wrk(*node, path, job_body, in_flight, results.sizes.jobs_seconds);
  auto cpu_ms = 1e3 * (node->cpu_seconds() - cpu) / std::max(seen.requests, 1.0);
  std::printf(
      "plan/act jobs over HTTP, durable, %d in flight: %.0f/s, p50 %.1f ms (alone %.1f ms), %.2f "
      "ms "
      "of CPU a job; %.0f failed. Restate is not in this run: %.0f/s on such a machine\n",
      in_flight, seen.requests_per_s, 1e-3 * seen.p50_us, 1e-3 * alone.p50_us, cpu_ms, seen.errors,
      restate_per_s);
  results.at_least("jobs_per_s", seen.requests_per_s);
  results.note("jobs_over_restate", seen.requests_per_s / restate_per_s);
  results.note("job_p50_ms", 1e-3 * seen.p50_us);
  results.note("job_p50_ms_alone", 1e-3 * alone.p50_us);
  results.note("job_cpu_ms", cpu_ms);
  results.at_most("jobs_failed", seen.errors + alone.errors);
}

}  // namespace tandem::bench
