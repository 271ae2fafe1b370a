// What replaying prefixes gains after a change of weights: recorded requests in virtual time,
// through the classes that a node's router and pool use.
//   bench_warm_up [--data FOLDER] [--docs FOLDER]
// --data: the full data sets; without them there is a sample alone, and nothing has a goal. --docs:
// writes the results into FOLDER/warm_up.md.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_documents.hpp"
#include "tests/bench/warm_up_report.hpp"

namespace tandem::bench {
namespace {

constexpr std::size_t full_trace = 12'031;

int run(int argc, char** argv) {
  std::filesystem::path data, docs;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--data") == 0) {
      data = argv[i + 1];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--docs") == 0) {
      docs = argv[i + 1];
    } else {
      std::fprintf(stderr, "usage: bench_warm_up [--data FOLDER] [--docs FOLDER]\n");
      return 2;
    }
  }
  auto start = std::chrono::steady_clock::now();
  routing_results results;
  auto conversations = load_mooncake(data);
  auto is_full = conversations.requests.size() == full_trace;
  if (!is_full)
    results.notes.push_back("Only the sample in tests/data; name the full data: --data FOLDER.");
  report_warm_up(conversations, "", is_full, results);
  if (is_full) report_warm_up(load_azure_with_prefixes(data), "_azure", false, results);
  std::printf("%s\n", to_table(results.bars).c_str());
  for (const auto& note : results.notes) std::printf("%s\n\n", note.c_str());
  if (!docs.empty()) write_documents(docs, "warm_up", results);
  report r{.bench = "warm_up", .figures = {}, .ratio = 0, .goal = 1, .ok = true};
  for (const auto& b : results.bars) {
    r.figures[b.figure] = b.measured.mean;
    r.ratio = std::max(r.ratio, b.used());
    r.ok = r.ok && b.ok();
  }
  r.figures["seconds"] = seconds_since(start);
  return finish(r);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
