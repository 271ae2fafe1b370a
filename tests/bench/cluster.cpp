// Three nodes against one whose simulated engines dominate: 16 requests at once, 50 ms each. All
// jobs are submitted at one node, so that two thirds of the steps have to travel.

#include <cstdio>

#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/cluster_bench.hpp"
#include "tests/bench/load.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t plan_steps = 8;
constexpr std::uint32_t in_flight = 192;
constexpr std::uint64_t jobs_a_node = 300;
constexpr std::uint64_t warm_up_jobs = 100;

node_config slow_sim(const std::filesystem::path& data) {
  auto config = instant_sim(data, plan_steps);
  for (auto& engine : config.engines) {
    engine.concurrency = 16;
    engine.sim.first_token = std::chrono::milliseconds{50};
  }
  return config;
}

load_result serve(const std::filesystem::path& folder, std::size_t count) {
  std::vector<node_config> configs;
  for (std::size_t i = 0; i < count; ++i)
    configs.push_back(slow_sim(folder / ("n" + std::to_string(i))));
  auto nodes = start_cluster(configs, folder / "tls");
  std::vector<tmsg::submit> goals{make_submit("a goal of some thirty bytes")};
  auto load = [&](std::uint64_t jobs) {
    return run_load(nodes[0]->system(), nodes[0]->planner(), goals, jobs, in_flight);
  };
  static_cast<void>(load(warm_up_jobs * count));
  auto result = load(jobs_a_node * count);
  for (auto& one : nodes) one->stop();
  return result;
}

int run() {
  temp_folder folder{"cluster"};
  auto one = serve(folder.path() / "one", 1);
  auto three = serve(folder.path() / "three", 3);
  auto rate_of_one = static_cast<double>(one.done) / one.seconds;
  auto rate_of_three = static_cast<double>(three.done) / three.seconds;
  report result{.bench = "cluster"};
  result.figures = {{"jobs_per_s_one", rate_of_one},
                    {"jobs_per_s_three", rate_of_three},
                    {"failed", static_cast<double>(one.failed + three.failed)}};
  result.ratio = rate_of_three / rate_of_one;
  result.goal = goal("cluster", "three_over_one_min");
  result.ok = result.ratio >= result.goal && one.failed + three.failed == 0;
  std::printf("one node: %.1f jobs/s; three nodes, asked at one of them: %.1f jobs/s, %.2f times\n",
              rate_of_one, rate_of_three, result.ratio);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
