// Weights from node to node, each node a process of its own but for the limited links.
//   bench_weights_transfer [SCENARIO...]

#include <chrono>
#include <cstdio>
#include <cstring>

#include "tests/bench/weights_transfer/transfer_bench.hpp"

namespace tandem::bench {
namespace {

constexpr transfer_scenario scenarios[] = {
    {"one_to_one", run_one_to_one},
    {"limited_links", run_limited_links},
    {"differences", run_differences},
    {"kills", run_kills},
};

bool is_asked_for(const char* name, int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) return true;
  return argc < 2;
}

int run(int argc, char** argv) {
  transfer_results results;
  for (const auto& one : scenarios) {
    if (!is_asked_for(one.name, argc, argv)) continue;
    const auto from = std::chrono::steady_clock::now();
    one.run(results);
    std::fprintf(stderr, "bench: %s took %.1f s\n", one.name, seconds_since(from));
  }
  return finish({.bench = "weights_transfer",
                 .figures = results.figures,
                 .ratio = results.ratio,
                 .goal = goal("weights_transfer", "over_curl_min"),
                 .ok = results.ok});
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  auto as_child = tandem::bench::run_as_child(argc, argv);
  return as_child >= 0 ? as_child : tandem::bench::run(argc, argv);
}
