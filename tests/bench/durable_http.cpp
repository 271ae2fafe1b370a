// Durable plan/act jobs over HTTP: nine calls a job (a plan, then 4, 3 and 1 steps) to a stub in a
// process of its own that answers at once; durability = sync. The limit of the same run: libcurl
// alone, 64 calls at once.

#include <cstdio>
#include <fstream>

#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/http_bench.hpp"
#include "tests/bench/load.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t in_flight = 64;
constexpr std::uint64_t warm_up_jobs = 500;
constexpr std::uint64_t jobs = 6'000;
constexpr std::uint64_t single_jobs = 300;
constexpr int calls_of_a_job = 9;

int run() {
  temp_folder folder{"durable-http"};
  auto plan = folder.path() / "plan.json";
  std::ofstream{plan} << test::layered_plan({4, 3, 1});
  stub_process stub{{"--plan", plan.string(), "--answer", "42"}};
  auto bare = call_bare(stub.url(), 20'000, in_flight);
  auto node = start_node(http_engines(folder.path() / "node", stub.url()));
  std::vector<tmsg::submit> goals{make_submit("a goal of some thirty bytes")};
  auto load = [&](std::uint64_t count, std::uint32_t at_once) {
    return run_load(node->system(), node->planner(), goals, count, at_once);
  };
  static_cast<void>(load(warm_up_jobs, in_flight));
  auto cpu_before = cpu_seconds();
  auto stub_before = stub.cpu_seconds();
  auto many = load(jobs, in_flight);
  auto cpu = cpu_seconds() - cpu_before;
  auto stub_cpu = stub.cpu_seconds() - stub_before;
  auto one = load(single_jobs, 1);
  node->stop();
  auto rate = static_cast<double>(many.done) / many.seconds;
  auto cpu_ms = 1e3 * cpu / static_cast<double>(jobs);
  auto p50_ms = 1e3 * percentile(one.latencies, 0.5);
  report result{.bench = "durable_http"};
  result.figures = {{"jobs_per_s", rate},
                    {"in_flight", in_flight},
                    {"latency_ms_p50_loaded", 1e3 * percentile(many.latencies, 0.5)},
                    {"latency_ms_p99_loaded", 1e3 * percentile(many.latencies, 0.99)},
                    {"latency_ms_p50_alone", p50_ms},
                    {"cpu_ms_per_job", cpu_ms},
                    {"stub_cpu_ms_per_job", 1e3 * stub_cpu / static_cast<double>(jobs)},
                    {"bare_calls_per_s", bare.calls_per_s},
                    {"bare_cpu_us_per_call", 1e6 * bare.cpu_s_per_call},
                    {"failed", static_cast<double>(many.failed + one.failed)}};
  result.ratio = rate * calls_of_a_job / bare.calls_per_s;
  result.goal = goal("durable_http", "jobs_per_s_min");
  result.ok = rate >= result.goal && many.failed + one.failed == 0 &&
              cpu_ms <= goal("durable_http", "cpu_ms_per_job_max") &&
              p50_ms <= goal("durable_http", "latency_ms_p50_alone_max");
  std::printf(
      "%.0f jobs/s with %u in flight, %.2f ms of CPU a job (the stub's %.2f beside it); alone p50 "
      "%.2f ms; bare libcurl %.0f calls/s, a job has %d\n",
      rate, in_flight, cpu_ms, 1e3 * stub_cpu / static_cast<double>(jobs), p50_ms, bare.calls_per_s,
      calls_of_a_job);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
