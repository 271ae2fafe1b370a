// What the learning router earns: beside every fixed choice, beside one who knows what a router
// cannot, through changes of the arms and mergers, kills and partitions of several routers.
//   bench_routing [--data FOLDER] [--docs FOLDER]
// --data: the full data sets; what needs them is left out without it. --docs: writes the results
// into FOLDER/routing.md and the plots beside it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_arms.hpp"
#include "tests/bench/routing_budget.hpp"
#include "tests/bench/routing_counts.hpp"
#include "tests/bench/routing_documents.hpp"
#include "tests/bench/routing_evaluation_report.hpp"
#include "tests/bench/routing_gsm8k_report.hpp"
#include "tests/bench/routing_merge.hpp"
#include "tests/bench/routing_results.hpp"
#include "tests/bench/routing_tiny.hpp"

namespace tandem::bench {
namespace {

struct arguments {
  std::filesystem::path data;
  std::filesystem::path docs;
};

arguments arguments_of(int argc, char** argv) {
  arguments a;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--data") == 0) {
      a.data = argv[i + 1];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--docs") == 0) {
      a.docs = argv[i + 1];
    } else {
      std::fprintf(stderr, "usage: bench_routing [--data FOLDER] [--docs FOLDER]\n");
      std::exit(2);
    }
  }
  return a;
}

int run(const arguments& where) {
  auto start = std::chrono::steady_clock::now();
  routing_results results;
  auto timed = [&](const char* name, auto scenario) {
    auto from = std::chrono::steady_clock::now();
    scenario();
    std::fprintf(stderr, "bench: %s took %.1f s\n", name, seconds_since(from));
  };
  timed("gsm8k", [&] { report_gsm8k(where.data, results); });
  timed("tiny", [&] { run_tiny(results); });
  timed("arms", [&] { run_arms(results); });
  timed("merge", [&] { run_merge(results); });
  timed("counts", [&] { run_counts(results); });
  timed("budget", [&] { run_budget(results); });
  timed("evaluation", [&] { report_evaluation(where.data, results); });
  if (!where.docs.empty()) write_documents(where.docs, "routing", results);
  return finish("routing", results, start);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(tandem::bench::arguments_of(argc, argv));
}
