// The front door beside nginx, haproxy and Portkey, before the same stub engine, each alone on one
// core.
//   bench_gateway [--quick] [SCENARIO...]

#include <chrono>
#include <cstdio>
#include <cstring>

#include <sys/resource.h>

#include "tests/bench/gateway/gateway_bench.hpp"

namespace tandem::bench {
namespace {

constexpr gateway_scenario scenarios[] = {
    {"pass_through", run_pass_through},
    {"event_streams", run_event_streams},
    {"plan_act_jobs", run_plan_act_jobs},
    {"crowds", run_crowds},
};

bool is_given(const char* word, int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], word) == 0) return true;
  return false;
}

/// Every program that this one starts inherits it.
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

int run(int argc, char** argv) {
  allow_many_files();
  gateway_results results;
  auto is_quick = is_given("--quick", argc, argv);
  if (is_quick) results.sizes = gateway_sizes::quick();
  auto all = argc == (is_quick ? 2 : 1);
  for (const auto& one : scenarios) {
    if (!all && !is_given(one.name, argc, argv)) continue;
    const auto from = std::chrono::steady_clock::now();
    one.run(results);
    std::fflush(stdout);
    std::fprintf(stderr, "bench: %s took %.1f s\n", one.name, seconds_since(from));
  }
  return finish({.bench = "gateway",
                 .figures = results.figures,
                 .ratio = results.ratio,
                 .goal = goal("gateway", "over_nginx_at_32_min"),
                 .ok = results.ok});
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
