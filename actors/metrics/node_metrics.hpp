#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "schema/attempt.capnp.h"
#include "schema/decision.capnp.h"
#include "schema/job.capnp.h"
#include "schema/journal.capnp.h"

namespace prometheus {
struct MetricFamily;
}

namespace tandem {

/// Upper bounds of the latency buckets, in seconds; what is above the last is one more bucket.
inline constexpr std::array<double, 20> latency_bounds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35,
    0.5,    0.75,  1,      1.5,   2.5,  5,     10,   20,  60,  300};

/// Sums since the node's start, over all labels.
struct metric_totals {
  double cost_usd = 0;
  double cost_all_large_usd = 0;
  std::uint64_t attempts = 0;
  /// Those whose outcome is the service's fault: see is_service_failure().
  std::uint64_t attempts_failed = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t tokens = 0;
  std::uint64_t jobs_done = 0;
  std::uint64_t jobs_failed = 0;
  /// Of answered attempts, not cumulative.
  std::array<std::uint64_t, latency_bounds.size() + 1> latencies{};
};

/// Whether an attempt that ended so counts against the error budget: an engine that failed, nobody
/// to serve it, a deadline, a bug. Not: what the client did, a budget, or an answer that was wrong.
[[nodiscard]] bool is_service_failure(schema::Errc code);

/// What a node counts while it works. Thread-safe; an update costs well under a microsecond:
/// handles of metrics are looked up in tables that take no lock, and made once. A label has at most
/// so many values as its table has places; more are counted as `other`.
class node_metrics {
 public:
  node_metrics();
  ~node_metrics();
  node_metrics(const node_metrics&) = delete;
  node_metrics& operator=(const node_metrics&) = delete;

  // The executor pool.
  /// One call to an engine has ended.
  void on_call(schema::Decision::Reader decision, schema::AttemptResult::Reader result);
  /// An answer came from a cache. `usage` is what the attempt is given.
  void on_cache_hit(std::string_view tier, std::uint8_t level, schema::Usage::Reader usage);
  /// One attempt has ended, after all its calls. Latencies are those of answers of engines.
  void on_attempt(schema::Purpose purpose, schema::AttemptResult::Reader result);
  enum class check_outcome : std::uint8_t { passed, failed, broken };
  void on_check(schema::Purpose purpose, check_outcome outcome);
  void on_hedge();

  // The journal, which sees all that happens to jobs.
  void on_record(schema::JobRecord::Reader record);
  /// The job has ended with these records.
  void on_job_end(schema::JobSummary::Reader summary);
  void on_commit(std::size_t records, double seconds);

  // The gateway.
  /// `route` is the path's pattern (`/v1/jobs/ID`), never the path itself; `seconds` from the whole
  /// request to the end of its answer.
  void on_http(std::string_view route, unsigned status, double seconds);
  void on_stream_begin();
  void on_stream_end();

  [[nodiscard]] metric_totals totals() const;
  /// All of it, for the page.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tandem
