// What a step over an `http` engine costs beyond its HTTP call: attempt → pool → router → engine →
// server → reply, against libcurl alone on the same stub, in time with one call at a time, in CPU
// with one and with 32.

#include <cstdio>
#include <future>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include "actors/http/http_loop.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/http_bench.hpp"
#include "tests/bench/pool_bench.hpp"

namespace tandem::bench {
namespace {

constexpr int warm_up = 1'000;
constexpr int calls = 6'000;
constexpr int at_once = 32;

int run() {
  temp_folder folder{"http-overhead"};
  stub_process stub{{"--answer", "19"}};
  static_cast<void>(call_bare(stub.url(), warm_up));
  auto config = http_engines(folder.path(), stub.url());
  backend_services services{.http = std::make_shared<http_loop>(), .data_folder = folder.path()};
  pool_bench pool{config, services};
  auto warmed = pool.run(warm_up, 1);
  // Turn and turn about, so that the machine's noise is in both.
  std::vector<double> ours;
  std::vector<double> bare;
  double our_cpu = 0;
  double bare_cpu = 0;
  constexpr int rounds = 6;
  for (int i = 0; i < rounds; ++i) {
    auto each = call_bare(stub.url(), calls / rounds);
    bare.insert(bare.end(), each.times.begin(), each.times.end());
    bare_cpu += each.cpu_s_per_call / rounds;
    auto cpu = cpu_seconds();
    auto mine = pool.run(calls / rounds, 1);
    our_cpu += (cpu_seconds() - cpu) / calls;
    ours.insert(ours.end(), mine.begin(), mine.end());
  }
  auto bare_many = call_bare(stub.url(), 3 * calls, at_once);
  auto cpu = cpu_seconds();
  auto many = pool.run(3 * calls, at_once);
  auto our_many_cpu = (cpu_seconds() - cpu) / (3 * calls);
  if (warmed.empty() || ours.size() != static_cast<std::size_t>(calls) || many.empty()) return 2;
  auto p50 = 1e6 * percentile(ours, 0.5);
  auto bare_p50 = 1e6 * percentile(bare, 0.5);
  report result{.bench = "http_overhead"};
  result.figures = {{"p50_us", p50},
                    {"bare_p50_us", bare_p50},
                    {"added_p50_us", p50 - bare_p50},
                    {"cpu_us_per_call_alone", 1e6 * our_cpu},
                    {"bare_cpu_us_per_call_alone", 1e6 * bare_cpu},
                    {"cpu_ratio_alone", our_cpu / bare_cpu},
                    {"cpu_us_per_call_at_32", 1e6 * our_many_cpu},
                    {"bare_cpu_us_per_call_at_32", 1e6 * bare_many.cpu_s_per_call},
                    {"cpu_ratio_at_32", our_many_cpu / bare_many.cpu_s_per_call}};
  result.ratio = p50 / bare_p50;
  result.goal = goal("http_overhead", "added_p50_us_max");
  auto cpu_goal = goal("http_overhead", "cpu_ratio_max");
  result.ok = p50 - bare_p50 <= result.goal && our_cpu <= cpu_goal * bare_cpu &&
              our_many_cpu <= cpu_goal * bare_many.cpu_s_per_call;
  std::printf(
      "a step over http: p50 %.0f us, libcurl alone %.0f us; CPU a call %.0f over %.0f us alone, "
      "%.0f over %.0f us with %d at once\n",
      p50, bare_p50, 1e6 * our_cpu, 1e6 * bare_cpu, 1e6 * our_many_cpu,
      1e6 * bare_many.cpu_s_per_call, at_once);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
