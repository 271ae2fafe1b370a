// The response cache, level by level, each beside what it could be at best.
//   bench_cache [--docs FOLDER] [SCENARIO...]

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "tests/bench/cache_bench.hpp"
#include "tests/bench/routing_documents.hpp"

namespace tandem::bench {
namespace {

constexpr cache_scenario scenarios[] = {
    // First, since it forks.
    {"second_level", run_second_level},
    {"first_level", run_first_level},
    {"heap", run_heap},
    {"third_level", run_third_level},
    {"miss_ratios", run_miss_ratios},
    {"equal_requests", run_equal_requests},
};

int run(const std::filesystem::path& docs, const std::vector<std::string>& names) {
  const auto start = std::chrono::steady_clock::now();
  cache_results results;
  for (const auto& one : scenarios) {
    if (!names.empty() && std::find(names.begin(), names.end(), one.name) == names.end()) continue;
    const auto from = std::chrono::steady_clock::now();
    one.run(results);
    std::fprintf(stderr, "bench: %s took %.1f s\n", one.name, seconds_since(from));
  }
  if (!docs.empty()) write_documents(docs, "cache", results.documents);
  return finish("cache", results.documents, start, results.figures, results.ok);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  std::filesystem::path docs;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--docs") == 0 && i + 1 < argc)
      docs = argv[++i];
    else
      names.emplace_back(argv[i]);
  return tandem::bench::run(docs, names);
}
