#include "tests/bench/routing_arms.hpp"

#include <array>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_bandit.hpp"
#include "tests/bench/routing_world.hpp"

namespace tandem::bench {
namespace {

constexpr int seeds = 50;
constexpr double cost_price = 0.3;
constexpr std::size_t before = 1500;
constexpr std::size_t after = 900;
/// The issue's: from here on it must have recovered.
constexpr std::size_t recovered_by = 300;
constexpr std::uint64_t ms_per_decision = 1000;

enum class change { arrives, leaves, price_halves, collapses, comes_back };

struct scenario {
  change kind;
  const char* name;
  const char* what;
  const char* figure;
};

constexpr std::array scenarios{
    scenario{change::arrives, "an arm arrives", "an arm arrives that is best on two topics",
             "arms_arrives"},
    scenario{change::leaves, "an arm leaves", "the arm leaves that was best on two topics",
             "arms_leaves"},
    scenario{change::price_halves, "a price halves", "a price halves: best on two topics now",
             "arms_price"},
    scenario{change::collapses, "quality collapses",
             "the quality of the arm collapses that was best on two topics", "arms_collapses"},
    scenario{change::comes_back, "quality comes back",
             "an arm that was bad from the start turns good on two topics", "arms_comes_back"},
};

constexpr std::size_t small_a = 2;

void prepare(world& w, change kind) {
  if (kind == change::arrives) w.arms.push_back({"new", "small", .1, {.50, .90, .92, .45}, false});
  if (kind == change::comes_back)
    for (auto& q : w.arms[small_a].quality) q *= 0.15;
}

void apply(world& w, change kind) {
  switch (kind) {
    case change::arrives:
      w.arms.back().there = true;
      return;
    case change::leaves:
      w.arms[small_a].there = false;
      return;
    case change::price_halves:
      w.arms[1].cost /= 2;
      return;
    case change::collapses:
      for (auto& q : w.arms[small_a].quality) q *= 0.15;
      return;
    case change::comes_back:
      for (auto& q : w.arms[small_a].quality) q /= 0.15;
      return;
  }
}

/// Regret of the expected reward, decision by decision.
struct course {
  std::vector<double> regret;
  double fixed_regret_after = 0;
};

/// `twin`: one for which it has always been as it is after the change.
course run_once(change kind, std::uint64_t seed, bool twin) {
  world w{seed, cost_price};
  prepare(w, kind);
  if (twin) apply(w, kind);
  bandit router{{.cost_price = cost_price, .seed = seed, .learner = {}, .router = {}}};
  std::mt19937_64 random{seed};
  course c;
  auto offered = offer_of(w);
  for (std::size_t i = 0; i < before + after; ++i) {
    if (i == before && !twin) {
      apply(w, kind);
      offered = offer_of(w);
    }
    auto prompt = w.draw(random);
    auto now = i * ms_per_decision;
    const auto& chosen = w.arms[offered.places[router.decide(prompt.facts(), offered.arms, now)]];
    router.learn(uniform(random) < chosen.quality[prompt.topic] ? 1 : 0, now);
    c.regret.push_back(w.best(prompt.topic) - w.value(chosen, prompt.topic));
  }
  c.fixed_regret_after = w.best_mean() - w.best_fixed();
  return c;
}

double late_regret(const course& c) {
  double sum = 0;
  for (std::size_t i = before + recovered_by; i < before + 2 * recovered_by; ++i)
    sum += c.regret[i];
  return sum / static_cast<double>(recovered_by);
}

void run_scenario(const scenario& s, routing_results& results, panel& drawing) {
  constexpr std::size_t window = 50;
  std::vector<double> behind_twin, over_fixed, level;
  std::vector<double> curve;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto c = run_once(s.kind, seed, false);
    auto twin = run_once(s.kind, seed, true);
    auto now = late_regret(c);
    level.push_back(now);
    behind_twin.push_back(now - late_regret(twin));
    over_fixed.push_back(c.fixed_regret_after - now);
    auto means = window_means({c.regret.begin() + before - 500, c.regret.end()}, window);
    curve.resize(means.size());
    for (std::size_t i = 0; i < means.size(); ++i) curve[i] += means[i] / seeds;
  }
  auto issue = s.kind != change::comes_back;
  auto regime = "bandit feedback, synthetic, " + std::to_string(seeds) +
                " seeds; decisions 300 to 600 after it, a decision";
  results.bars.push_back({std::string{s.what} + ": behind a router that never knew it otherwise",
                          regime, std::string{s.figure} + "_behind", estimate_of(behind_twin),
                          goal("routing", "arms_behind_max"),
                          issue ? bar_kind::at_most : bar_kind::shown});
  results.bars.push_back({std::string{s.name} + ": ahead of the best single arm then", regime,
                          std::string{s.figure} + "_over_fixed", estimate_of(over_fixed),
                          goal("routing", "arms_over_fixed_min"),
                          issue ? bar_kind::at_least : bar_kind::shown});
  results.bars.push_back({std::string{s.name} + ": behind one who knows topics and qualities",
                          regime, std::string{s.figure} + "_regret", estimate_of(level), 0,
                          bar_kind::shown});
  line l{.name = s.name, .x = {}, .y = curve, .low = {}, .high = {}};
  for (std::size_t i = 0; i < curve.size(); ++i)
    l.x.push_back(static_cast<double>((i + 1) * window) - 500);
  drawing.lines.push_back(std::move(l));
}

}  // namespace

void run_arms(routing_results& results) {
  panel drawing{.title = "regret a decision",
                .x_label = "decisions after the change",
                .y_label = "best by topic, less the router's",
                .lines = {},
                .y_from_zero = true,
                .mark = 0,
                .mark_text = "the change"};
  for (const auto& s : scenarios) run_scenario(s, results, drawing);
  results.plots.push_back({"arms.svg",
                           "Regret around a change of the arms, mean of " + std::to_string(seeds) +
                               " seeds over windows of 50 decisions; bandit feedback in a "
                               "synthetic world of four topics.",
                           {"Recovery from changes", {std::move(drawing)}}});
}

}  // namespace tandem::bench
