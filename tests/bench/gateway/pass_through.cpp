// `tandem-auto`, about 1 KB in and out, at 1, 32 and 128 connections.

#include <algorithm>
#include <cstdio>
#include <map>

#include "tests/bench/gateway/gateway_bench.hpp"

namespace tandem::bench {
namespace {

constexpr int busy_connections = 32;

/// At one number of connections, all rounds.
struct measured {
  std::vector<double> rates;
  std::vector<double> p50s;
  std::vector<double> p99s;
  std::vector<double> cpu_us;
  double errors = 0;
};

using table = std::map<std::string, std::map<int, measured>>;

void measure(const front_process& front, int connections, int seconds, measured& into) {
  auto body = chat_body(front.name() == "tandem" ? "tandem-auto" : "stub");
  auto cpu = front.cpu_seconds();
  auto seen = run_wrk(front, "/v1/chat/completions", body, connections, seconds);
  into.cpu_us.push_back(1e6 * (front.cpu_seconds() - cpu) / std::max(seen.requests, 1.0));
  into.rates.push_back(seen.requests_per_s);
  into.p50s.push_back(seen.p50_us);
  into.p99s.push_back(seen.p99_us);
  into.errors += seen.errors;
}

bool has_failed(const std::map<int, measured>& of) {
  return std::any_of(of.begin(), of.end(), [](const auto& each) { return each.second.errors > 0; });
}

void print(const front_process& front, const std::map<int, measured>& of, double direct_p50) {
  std::printf("%-8s", front.name().c_str());
  for (const auto& [connections, seen] : of)
    std::printf(" %8.0f/s at %d", median(seen.rates), connections);
  std::printf(", added p50 at 1 %.0f us, CPU %.1f us a request at 32, %.0f MB\n",
              median(of.at(1).p50s) - direct_p50, median(of.at(busy_connections).cpu_us),
              front.resident_mb());
}

void note(gateway_results& results, const std::string& who, const std::map<int, measured>& of,
          double direct_p50) {
  for (const auto& [connections, seen] : of)
    results.note(who + "_per_s_at_" + std::to_string(connections), median(seen.rates));
  if (who == "direct") return;
  results.note(who + "_added_p50_us", median(of.at(1).p50s) - direct_p50);
  results.note(who + "_cpu_us_at_32", median(of.at(busy_connections).cpu_us));
}

void compare(gateway_results& results, const table& seen) {
  for (int connections : {32, 128}) {
    auto at = "_at_" + std::to_string(connections);
    auto rate = [&](const char* who) { return median(seen.at(who).at(connections).rates); };
    if (seen.contains("nginx")) results.at_least("over_nginx" + at, rate("tandem") / rate("nginx"));
    if (seen.contains("portkey"))
      results.at_least("over_portkey" + at, rate("tandem") / rate("portkey"));
  }
  if (seen.contains("nginx")) results.ratio = results.figures["over_nginx_at_32"];
}

}  // namespace

void run_pass_through(gateway_results& results) {
  temp_folder folder{"gateway"};
  auto stub = start_stub({"--answer", kilobyte_text()});
  std::vector<front_ptr> fronts;
  auto add = [&](front_ptr one) {
    if (one) fronts.push_back(std::move(one));
  };
  add(start_nginx(folder.path(), *stub));
  add(start_haproxy(folder.path(), *stub));
  add(start_node(folder.path() / "node", {.large_url = stub->url(), .small_url = stub->url()}));
  add(start_portkey(*stub));
  table seen;
  auto seconds = results.sizes.wrk_seconds;
  auto measure_one = [&](const front_process& one) {
    measured warm_up;
    measure(one, busy_connections, 1, warm_up);
    for (int connections : connection_counts)
      measure(one, connections, seconds, seen[one.name()][connections]);
  };
  // Turn and turn about, so that the machine's noise is in all.
  for (int i = 0; i < results.sizes.rounds; ++i) {
    measure_one(*stub);
    for (const auto& one : fronts) measure_one(*one);
  }
  auto direct_p50 = median(seen.at("direct").at(1).p50s);
  std::printf("pass-through, 1 KB in and out, direct p50 at 1 %.0f us\n", direct_p50);
  print(*stub, seen.at("direct"), direct_p50);
  note(results, "direct", seen.at("direct"), direct_p50);
  for (const auto& one : fronts) {
    if (one->name() != "tandem" && has_failed(seen.at(one->name()))) {
      std::printf("%s answers with errors: not compared with\n", one->name().c_str());
      seen.erase(one->name());
      continue;
    }
    print(*one, seen.at(one->name()), direct_p50);
    note(results, one->name(), seen.at(one->name()), direct_p50);
  }
  const auto& ours = seen.at("tandem");
  double errors = 0;
  for (const auto& [connections, each] : ours) errors += each.errors;
  results.at_most("added_p50_us", median(ours.at(1).p50s) - direct_p50);
  results.at_most("cpu_us_at_32", median(ours.at(busy_connections).cpu_us));
  results.at_most("errors", errors);
  compare(results, seen);
}

}  // namespace tandem::bench
