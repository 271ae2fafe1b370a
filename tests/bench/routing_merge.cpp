#include "tests/bench/routing_merge.hpp"

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_faults.hpp"
#include "tests/bench/routing_world.hpp"

namespace tandem::bench {
namespace {

constexpr int seeds = 20;
constexpr double cost_price = 0.3;
constexpr std::size_t seconds = 100;
constexpr auto routers = fleet_routers;
constexpr auto per_second = fleet_per_second;

enum class faults { none, restarts_and_partition };

bandit_config config_of(std::uint64_t seed) {
  return {.cost_price = cost_price, .origin = 100, .seed = seed, .learner = {}, .router = {}};
}

/// Cumulative regret of the expected reward at the end of each second, all routers together.
std::vector<double> run_once(std::uint64_t seed, std::size_t size, bool sharing, faults which) {
  world w{seed, cost_price};
  fleet f{size, config_of(seed)};
  std::mt19937_64 random{seed};
  auto offered = offer_of(w);
  std::vector<double> course;
  double regret = 0;
  for (std::size_t second = 0; second < seconds; ++second) {
    for (std::size_t i = 0; i < per_second; ++i) {
      auto now = second * 1000 + i * 1000 / per_second;
      if (which != faults::none) disturb(f, second, i, now);
      auto prompt = w.draw(random);
      auto& router = f.at(i % size);
      const auto& chosen = w.arms[offered.places[router.decide(prompt.facts(), offered.arms, now)]];
      router.learn(uniform(random) < chosen.quality[prompt.topic] ? 1 : 0, now);
      regret += w.best(prompt.topic) - w.value(chosen, prompt.topic);
    }
    if (sharing) {
      for (std::size_t place = 0; place < size; ++place) f.save(place, (second + 1) * 1000);
      f.share((second + 1) * 1000);
    }
    course.push_back(regret);
  }
  return course;
}

line mean_curve(const char* name, const std::vector<std::vector<double>>& runs, bool dashed) {
  line l{.name = name, .x = {}, .y = {}, .low = {}, .high = {}, .dashed = dashed};
  for (std::size_t i = 0; i < seconds; ++i) {
    std::vector<double> values;
    for (const auto& run : runs) values.push_back(run[i]);
    auto e = estimate_of(values);
    l.x.push_back(static_cast<double>(i + 1));
    l.y.push_back(e.mean);
    l.low.push_back(e.low);
    l.high.push_back(e.high);
  }
  return l;
}

void run_regret(routing_results& results) {
  std::vector<std::vector<double>> alone, together, disturbed, apart;
  std::vector<double> alone_end, together_end, disturbed_end, apart_end;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    alone.push_back(run_once(seed, 1, false, faults::none));
    together.push_back(run_once(seed, routers, true, faults::none));
    disturbed.push_back(run_once(seed, routers, true, faults::restarts_and_partition));
    apart.push_back(run_once(seed, routers, false, faults::none));
    alone_end.push_back(alone.back().back());
    together_end.push_back(together.back().back());
    disturbed_end.push_back(disturbed.back().back());
    apart_end.push_back(apart.back().back());
  }
  auto regime = "bandit feedback, synthetic, " + std::to_string(seeds) +
                " seeds; 8,000 decisions, 20 a second and router";
  auto most = goal("routing", "merged_over_one_max");
  results.bars.push_back(
      {"four routers that merge every second: cumulative regret over that of "
       "one that sees everything",
       regime, "merged_over_one", ratio_of(together_end, alone_end), most, bar_kind::at_most});
  results.bars.push_back({"the same with three kills and a partition of 10 s", regime,
                          "merged_disturbed_over_one", ratio_of(disturbed_end, alone_end), most,
                          bar_kind::at_most});
  results.bars.push_back({"the same without merging", regime, "apart_over_one",
                          ratio_of(apart_end, alone_end), 0, bar_kind::shown});
  panel drawing{.title = "cumulative regret",
                .x_label = "seconds, 80 decisions each",
                .y_label = "best by topic, less the routers'",
                .lines = {mean_curve("one router", alone, false),
                          mean_curve("four, merging", together, false),
                          mean_curve("four, kills and a partition", disturbed, true),
                          mean_curve("four, not merging", apart, false)},
                .y_from_zero = true,
                .mark = 0,
                .mark_text = ""};
  results.plots.push_back({"merge.svg",
                           "Regret of four routers together beside that of one with all the "
                           "traffic, mean of " +
                               std::to_string(seeds) + " seeds with 95% bands; bandit feedback.",
                           {"Learning together", {std::move(drawing)}}});
}

}  // namespace

void run_merge(routing_results& results) {
  run_regret(results);
}

}  // namespace tandem::bench
