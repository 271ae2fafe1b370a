// Where the answer comes first: policies of engine choice on recorded requests in virtual time,
// through the classes that a node's router uses.
//   bench_engine_choice [--data FOLDER] [--docs FOLDER]
// --data: the full data sets; a sample is used without it. --docs: writes the results into
// FOLDER/engine_choice.md and the plot beside it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/engine_choice_report.hpp"
#include "tests/bench/routing_documents.hpp"

namespace tandem::bench {
namespace {

int run(int argc, char** argv) {
  std::filesystem::path data, docs;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--data") == 0) {
      data = argv[i + 1];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--docs") == 0) {
      docs = argv[i + 1];
    } else {
      std::fprintf(stderr, "usage: bench_engine_choice [--data FOLDER] [--docs FOLDER]\n");
      return 2;
    }
  }
  auto start = std::chrono::steady_clock::now();
  routing_results results;
  report_engine_choice(data, results);
  if (!docs.empty()) write_documents(docs, "engine_choice", results);
  return finish("engine_choice", results, start);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
