// Journals with a copy on a second node (real etcd on this machine) against the same node without:
// durable jobs of one plan and eight instant steps.

#include <cstdio>

#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/cluster_bench.hpp"
#include "tests/bench/load.hpp"
#include "tests/support/etcd_process.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t plan_steps = 8;
constexpr std::uint32_t in_flight = 256;
constexpr std::uint64_t warm_up_jobs = 1'000;
constexpr std::uint64_t jobs = 8'000;

load_result serve(const std::filesystem::path& folder, std::size_t count,
                  const std::vector<std::string>& etcd) {
  std::vector<node_config> configs;
  for (std::size_t i = 0; i < count; ++i) {
    auto config = instant_sim(folder / ("n" + std::to_string(i)), plan_steps);
    config.etcd.endpoints = etcd;
    config.replication.copies = static_cast<std::uint32_t>(count);
    config.replication.min_in_sync = static_cast<std::uint32_t>(count);
    // Only the first one's engines: that the others' are used is not what is measured.
    if (i != 0) config.engines.clear();
    configs.push_back(config);
  }
  auto nodes = start_cluster(configs, folder / "tls");
  std::vector<tmsg::submit> goals{make_submit("a goal of some thirty bytes")};
  auto load = [&](std::uint64_t many) {
    return run_load(nodes[0]->system(), nodes[0]->planner(), goals, many, in_flight);
  };
  static_cast<void>(load(warm_up_jobs));
  auto result = load(jobs);
  for (auto& one : nodes) one->stop();
  return result;
}

int run() {
  if (!test::etcd_process::is_installed()) {
    std::fprintf(stderr, "bench: no etcd: install Debian's package etcd-server\n");
    return 2;
  }
  test::etcd_process etcd;
  if (!etcd.start()) {
    std::fprintf(stderr, "bench: etcd does not start\n%s\n", etcd.log().c_str());
    return 2;
  }
  temp_folder folder{"replication"};
  auto alone = serve(folder.path() / "alone", 1, {});
  auto copied = serve(folder.path() / "copied", 2, etcd.endpoints());
  auto rate_alone = static_cast<double>(alone.done) / alone.seconds;
  auto rate_copied = static_cast<double>(copied.done) / copied.seconds;
  report result{.bench = "replication"};
  result.figures = {{"jobs_per_s_alone", rate_alone},
                    {"jobs_per_s_copied", rate_copied},
                    {"latency_ms_p50_alone", 1e3 * percentile(alone.latencies, 0.5)},
                    {"latency_ms_p50_copied", 1e3 * percentile(copied.latencies, 0.5)},
                    {"failed", static_cast<double>(alone.failed + copied.failed)}};
  result.ratio = rate_copied / rate_alone;
  result.goal = goal("replication", "copied_over_alone_min");
  result.ok = result.ratio >= result.goal && alone.failed + copied.failed == 0;
  std::printf("one node: %.0f jobs/s; with a copy on a second one: %.0f jobs/s, %.2f of it\n",
              rate_alone, rate_copied, result.ratio);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
