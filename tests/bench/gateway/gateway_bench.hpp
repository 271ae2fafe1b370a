#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/gateway/front_process.hpp"

namespace tandem::bench {

/// How much is measured. Everything is smaller in a quick run, which shows that the bench works and
/// whose figures are not to be quoted.
struct gateway_sizes {
  int rounds = 3;
  int wrk_seconds = 3;
  int streams = 1'500;
  int jobs_seconds = 10;
  int idle_connections = 10'000;
  int open_streams = 1'000;

  [[nodiscard]] static gateway_sizes quick();
};

/// What the scenarios of `bench_gateway` found.
struct gateway_results {
  gateway_sizes sizes;
  std::map<std::string, double> figures;
  /// Over nginx, at 32 connections.
  double ratio = 0;
  bool ok = true;

  void note(const std::string& figure, double value) { figures[figure] = value; }
  /// `<figure>_max` or `<figure>_min` in goals.json.
  void at_most(const std::string& figure, double value);
  void at_least(const std::string& figure, double value);
};

/// One of the bench's scenarios; prints what it does.
struct gateway_scenario {
  const char* name;
  void (*run)(gateway_results&);
};

void run_pass_through(gateway_results& results);
void run_event_streams(gateway_results& results);
void run_plan_act_jobs(gateway_results& results);
void run_crowds(gateway_results& results);

/// Connections that a gateway is measured at.
inline constexpr int connection_counts[] = {1, 32, 128};

/// What wrk says.
struct wrk_result {
  double requests_per_s = 0;
  double requests = 0;
  /// Connections that failed, and answers that were no 2xx.
  double errors = 0;
  double p50_us = 0;
  double p99_us = 0;
};

/// wrk, one thread on the load's core, with `body` posted to `path` again and again. Exits when
/// there is no wrk.
[[nodiscard]] wrk_result run_wrk(const front_process& front, std::string_view path,
                                 std::string_view body, int connections, int seconds);

/// A chat request of about a kilobyte.
[[nodiscard]] std::string chat_body(std::string_view model, bool stream = false);
/// The text of an answer that is about a kilobyte in all.
[[nodiscard]] std::string kilobyte_text();
[[nodiscard]] double median(std::vector<double> values);

}  // namespace tandem::bench
