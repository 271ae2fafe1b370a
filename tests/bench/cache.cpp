// The response cache, level by level, each beside what it could be at best.
//   bench_cache [SCENARIO...]

#include <cstdio>
#include <cstring>

#include "tests/bench/cache_bench.hpp"

namespace tandem::bench {
namespace {

constexpr cache_scenario scenarios[] = {
    {"first_level", run_first_level},   {"heap", run_heap},
    {"third_level", run_third_level},   {"miss_ratios", run_miss_ratios},
    {"second_level", run_second_level}, {"equal_requests", run_equal_requests},
};

bool is_asked_for(const char* name, int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) return true;
  // It has been seen to wait without end, between its two actor systems in one process: by name
  // alone.
  return argc < 2 && std::strcmp(name, "second_level") != 0;
}

int run(int argc, char** argv) {
  cache_results results;
  for (const auto& one : scenarios) {
    if (!is_asked_for(one.name, argc, argv)) continue;
    const auto from = std::chrono::steady_clock::now();
    one.run(results);
    std::fprintf(stderr, "bench: %s took %.1f s\n", one.name, seconds_since(from));
  }
  return finish({.bench = "cache",
                 .figures = results.figures,
                 .ratio = results.used,
                 .goal = 1,
                 .ok = results.ok});
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
