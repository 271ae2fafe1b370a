// What replaying prefixes gains after a change of weights: recorded requests in virtual time,
// through the classes that a node's router and pool use.
//   bench_warm_up [--data FOLDER] [--docs FOLDER]
// --data: the full data sets; without them there is a sample alone, and nothing has a goal. --docs:
// writes the results into FOLDER/warm_up.md.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_documents.hpp"
#include "tests/bench/warm_up_report.hpp"

namespace tandem::bench {
namespace {

constexpr std::size_t full_trace = 12'031;

/// Calls of 24 agents, each with a system prompt and tools of its own (4,000 to 12,000 tokens) and
/// 256 to 768 tokens besides; agents by Zipf's law, exponent 1, arrivals by Poisson's.
request_trace draw_agents() {
  constexpr std::uint32_t agents = 24;
  constexpr std::size_t calls = 12'000;
  request_trace out{.name = "Drawn calls of 24 agents"};
  std::mt19937_64 random{7};
  std::vector<double> weights;
  std::vector<std::uint32_t> lengths;
  for (std::uint32_t i = 0; i < agents; ++i) {
    weights.push_back(1.0 / (i + 1));
    lengths.push_back(8 + static_cast<std::uint32_t>(random() % 17));
  }
  std::discrete_distribution<std::uint32_t> draw(weights.begin(), weights.end());
  std::exponential_distribution<double> pause{1};
  double now = 0;
  std::uint64_t next_own = 1ull << 40;
  for (std::size_t i = 0; i < calls; ++i) {
    auto agent = draw(random);
    traced_request r{.at_s = now += pause(random)};
    for (std::uint32_t b = 0; b < lengths[agent]; ++b) r.blocks.push_back((agent + 1) * 10'000 + b);
    r.blocks.push_back(next_own++);
    r.input =
        lengths[agent] * trace_block_tokens + 256 + static_cast<std::uint32_t>(random() % 512);
    r.output = 50 + static_cast<std::uint32_t>(random() % 150);
    out.requests.push_back(std::move(r));
  }
  return out;
}

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
  report_warm_up(draw_agents(), "_agents", true, results);
  if (!docs.empty()) write_documents(docs, "warm_up", results);
  return finish("warm_up", results, start);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
