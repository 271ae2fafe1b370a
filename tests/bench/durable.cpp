// Durable plan/act jobs: 1 plan and 8 parallel steps, instant simulated engines, durability = sync.
// The limits of the same run: fdatasync of an append on the same disk (one of an overwrite beside
// it), and one committer writing records of the same size alone.

#include <cstdio>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/journal/journal.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/load.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t plan_steps = 8;
constexpr std::uint32_t in_flight = 256;
constexpr std::uint64_t warm_up_jobs = 2'000;
constexpr std::uint64_t jobs = 20'000;
constexpr std::uint64_t single_jobs = 400;

/// Records a second that the store alone makes durable, 1,000 to a batch.
double committer_limit(const std::filesystem::path& folder) {
  storage::journal_options options;
  options.folder = folder;
  auto store = storage::journal::open(options);
  if (!store) return 0;
  std::vector<std::byte> record(280, std::byte{1});
  constexpr int batches = 60;
  constexpr int each = 1'000;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < batches; ++i) {
    storage::journal_batch batch;
    for (std::uint32_t k = 0; k < each; ++k)
      batch.put_record(static_cast<std::uint64_t>(i) + 1, k + 1, record);
    const storage::journal_batch* all[] = {&batch};
    if ((*store)->commit(all, storage::durability::sync)) return 0;
  }
  return batches * each / seconds_since(start);
}

int run() {
  temp_folder folder{"durable"};
  auto sync_s = fdatasync_seconds(folder.path(), sync_limit::append);
  auto overwrite_s = fdatasync_seconds(folder.path(), sync_limit::overwrite);
  auto limit = committer_limit(folder.path() / "limit");
  auto node = start_node(instant_sim(folder.path() / "node", plan_steps));
  std::vector<tmsg::submit> goals{make_submit("a goal of some thirty bytes")};
  auto load = [&](std::uint64_t count, std::uint32_t at_once) {
    return run_load(node->system(), node->planner(), goals, count, at_once);
  };
  static_cast<void>(load(warm_up_jobs, in_flight));
  auto cpu_before = cpu_seconds();
  auto many = load(jobs, in_flight);
  auto cpu = cpu_seconds() - cpu_before;
  auto one = load(single_jobs, 1);
  node->stop();
  report result{.bench = "durable"};
  auto rate = static_cast<double>(many.done) / many.seconds;
  auto p50 = percentile(one.latencies, 0.5);
  result.figures = {{"jobs_per_s", rate},
                    {"in_flight", in_flight},
                    {"latency_ms_p50_loaded", 1e3 * percentile(many.latencies, 0.5)},
                    {"latency_ms_p99_loaded", 1e3 * percentile(many.latencies, 0.99)},
                    {"latency_us_p50_alone", 1e6 * p50},
                    {"fdatasync_append_us", 1e6 * sync_s},
                    {"fdatasync_overwrite_us", 1e6 * overwrite_s},
                    {"latency_over_four_syncs", p50 / (4 * sync_s)},
                    {"cpu_us_per_job", 1e6 * cpu / static_cast<double>(jobs)},
                    {"limit_records_per_s", limit},
                    {"failed", static_cast<double>(many.failed + one.failed)}};
  // 1 submission, 1 plan in 2 records, 8 results, 1 end: 12 records a job.
  result.ratio = rate * 12 / limit;
  result.goal = goal("durable", "jobs_per_s_min");
  result.ok = rate >= result.goal && many.failed + one.failed == 0 &&
              p50 <= 4 * sync_s * goal("durable", "latency_over_four_syncs_max");
  std::printf(
      "%.0f jobs/s with %u in flight (%.0f records/s of a limit of %.0f); alone %.0f us, 4 "
      "fdatasyncs are %.0f us\n",
      rate, in_flight, rate * 12, limit, 1e6 * p50, 4e6 * sync_s);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
