// 1,000 engines: whether an update takes more than drains, loads and what may be away dictate.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/bench/weights_fleet.hpp"
#include "tests/support/weights/modelled_jobs.hpp"

namespace tandem::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using us = testing::virtual_time::us;

constexpr std::size_t engines = 1000;

/// Calls of some seconds to any engine that is open: enough that drains are real.
class busy_world : public testing::job_world {
 public:
  explicit busy_world(testing::weight_fleet& fleet) : fleet_{fleet} {}

  pick choose(testing::modelled_call&) override {
    for (int tries = 0; tries < 100; ++tries) {
      auto at = random_() % fleet_.engines();
      if (fleet_.engine(at).is_open())
        return {.engine = at, .version = fleet_.engine(at).version()};
    }
    return {};
  }
  times serve(const testing::modelled_call&, std::size_t) override {
    std::exponential_distribution<double> takes{1};
    auto end = us{static_cast<std::int64_t>(1e6 * takes(random_))};
    return {end, end};
  }

 private:
  testing::weight_fleet& fleet_;
  std::mt19937_64 random_{1};
};

struct outcome {
  double over_ideal = 0;
  double virtual_s = 0;
  double ideal_s = 0;
  double wall_s = 0;
  std::vector<double> step_us;
  std::uint64_t lost = 0;
};

outcome run(std::uint32_t at_once) {
  auto from = std::chrono::steady_clock::now();
  testing::fleet_options options{.nodes = 100, .engines = 10};
  options.engine.sim.load_time = seconds{10};
  testing::weight_fleet fleet{options};
  busy_world world{fleet};
  testing::modelled_jobs jobs{fleet, world, {.jobs_per_s = 700}};
  outcome out;
  fleet.stepped = [&](double took) { out.step_us.push_back(took); };
  auto& time = fleet.time();
  jobs.arrive_until(time.now() + std::chrono::hours{1});
  time.run_until(time.now() + seconds{10});
  auto began = time.now();
  auto why = fleet.nodes()[0]->begin_roll(
      "2", {.max_unavailable = at_once, .drain_ms = 2000, .load_ms = 60'000});
  while (why.empty() && !fleet.agreement().roll->is_over())
    time.run_until(time.now() + milliseconds{10});
  out.virtual_s = static_cast<double>((time.now() - began).count()) / 1e6;
  us each{0};
  std::uint64_t changes = 0;
  for (std::size_t i = 0; i < engines; ++i) {
    const auto& sums = fleet.engine(i).sums();
    each += sums.drain + sums.load + sums.verify;
    changes += sums.changes;
  }
  auto mean_s = static_cast<double>(each.count()) / 1e6 /
                static_cast<double>(std::max<std::uint64_t>(changes, 1));
  out.ideal_s = std::ceil(static_cast<double>(engines) / at_once) * mean_s;
  out.over_ideal = changes == engines ? out.virtual_s / out.ideal_s : 1e9;
  out.lost = jobs.count().failed + jobs.count().timed_out + jobs.count().stale;
  out.wall_s = seconds_since(from);
  return out;
}

}  // namespace

void report_scale(routing_results& results) {
  for (std::uint32_t at_once : {10u, 50u}) {
    auto r = run(at_once);
    auto regime = "1,000 engines of 100 nodes, " + std::to_string(at_once) + " away at once";
    auto name = "_" + std::to_string(at_once) + "_of_1000";
    add_bar(results, "the update over what drain, load and verification dictate", regime,
            "over_ideal" + name, exactly(r.over_ideal), "over_ideal_max");
    add_bar(results, "requests failed or lost", regime, "lost" + name,
            exactly(static_cast<double>(r.lost)), "lost_max");
    add_bar(results, "a step of roll_machine, mean, µs of CPU", regime, "step_us" + name,
            estimate_of(r.step_us));
    add_bar(results, "the same, p99", regime, "step_us_p99" + name,
            exactly(percentile(r.step_us, .99)), "step_us_p99_max");
    add_bar(results, "wall time of the whole, s", regime, "wall_s" + name, exactly(r.wall_s),
            "wall_s_max");
    char text[200];
    std::snprintf(text, sizeof text,
                  "1,000 engines, %u at once: %.1f s of virtual time, ideal %.1f s, %zu steps of "
                  "roll_machine.",
                  at_once, r.virtual_s, r.ideal_s, r.step_us.size());
    results.notes.emplace_back(text);
  }
}

}  // namespace tandem::bench
