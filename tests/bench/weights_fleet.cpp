// An update of a fleet in virtual time, with the classes that nodes use: what calls notice of it,
// what it takes on 1,000 engines, whether an answer is stale, and what canaries let through.
//   bench_weights_fleet [interruption|scale|checker|canaries ...]     all of them without a name

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "tests/bench/weights_fleet.hpp"

namespace tandem::bench {
namespace {

struct scenario {
  const char* name;
  void (*report)(routing_results&);
};
constexpr std::array scenarios{scenario{"interruption", report_interruption},
                               scenario{"scale", report_scale}, scenario{"checker", report_checker},
                               scenario{"canaries", report_canaries}};

int run(int argc, char** argv) {
  auto start = std::chrono::steady_clock::now();
  routing_results results;
  for (const auto& each : scenarios) {
    auto asked = argc == 1;
    for (int i = 1; i < argc; ++i) asked = asked || std::strcmp(argv[i], each.name) == 0;
    if (!asked) continue;
    auto from = std::chrono::steady_clock::now();
    each.report(results);
    std::fprintf(stderr, "bench: %s took %.1f s\n", each.name, seconds_since(from));
  }
  if (results.bars.empty()) {
    std::fprintf(stderr, "usage: bench_weights_fleet [interruption|scale|checker|canaries ...]\n");
    return 2;
  }
  return finish("weights_fleet", results, start);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
