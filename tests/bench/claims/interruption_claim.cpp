// What requests notice of an update of the weights.

#include <algorithm>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"
#include "tests/bench/weights_fleet.hpp"

namespace tandem::bench {

void measure_interruption(const claim_options& options, claim_results& out) {
  if (options.quick) return;
  routing_results results;
  report_interruption(results);
  auto find = [&](std::string_view figure) {
    auto found = std::find_if(results.bars.begin(), results.bars.end(),
                              [&](const bar& b) { return b.figure == figure; });
    if (found == results.bars.end()) give_up("no figure " + std::string{figure});
    return found->measured;
  };
  auto fewer = find("fewer_1");
  auto goodput = find("goodput_worst_1");
  const std::string condition =
      "16 engines, load 70%, one away at a time, against a stop of all, 5 seeds";
  out.claims.push_back(
      {.said = "weight updates: 50 to 70% less interruption",
       .condition = "requests that failed or were slower than the earlier p99: " + condition,
       .figure = "fewer_disturbed",
       .measured = fewer.mean,
       .low = fewer.low,
       .high = fewer.high,
       .goal = goal("claims", "interruption_min"),
       .remark = "the one in a hundred that is slower than a p99 anyway is among them"});
  out.claims.push_back({.said = "weight updates: 50 to 70% less interruption",
                        .condition = "goodput that is lost, worst seed: " + condition,
                        .figure = "less_lost_goodput",
                        .measured = goodput.mean,
                        .low = goodput.mean,
                        .high = goodput.mean,
                        .goal = goal("claims", "interruption_min")});
}

}  // namespace tandem::bench
