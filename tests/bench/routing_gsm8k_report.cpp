#include "tests/bench/routing_gsm8k_report.hpp"

#include <array>
#include <cstdio>
#include <numeric>

#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/gsm8k_data.hpp"
#include "tests/bench/routing_bandit.hpp"
#include "tests/bench/routing_gsm8k.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t seeds_at_costs = 40;
constexpr std::uint32_t seeds_at_chosen = 200;
constexpr std::uint32_t seeds_of_thresholds = 20;
constexpr std::uint64_t seeds_of_plot = 50;
constexpr double chosen_cost = 0.22;

estimate to_estimate(const interval& i) {
  return {i.mean, i.low, i.high};
}

std::string short_number(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

void streams(std::span<const graded_prompt> prompts, routing_results& results) {
  estimate worst;
  double worst_cost = -1;
  for (int i = 0; i <= 8; ++i) {
    auto cost = 0.05 * i;
    auto gain =
        to_estimate(run_gsm8k_stream(prompts, {.cost = cost, .seeds = seeds_at_costs}).gain);
    if (worst_cost < 0 || gain.mean < worst.mean) worst = gain, worst_cost = cost;
  }
  auto regime = [&](std::uint32_t seeds) {
    return "bandit feedback, GSM8K, " + std::to_string(prompts.size()) + " prompts in " +
           std::to_string(seeds) + " orders, a decision";
  };
  results.bars.push_back({"GSM8K: over the best fixed arm, at the worst of nine costs 0 to .4 (" +
                              short_number(worst_cost) + ")",
                          regime(seeds_at_costs), "gsm8k_worst_gain", worst,
                          goal("routing", "gsm8k_worst_gain_min"), bar_kind::at_least});
  auto chosen = run_gsm8k_stream(prompts, {.cost = chosen_cost, .seeds = seeds_at_chosen});
  results.bars.push_back(
      {"GSM8K at c = .22: over the best fixed arm, second half", regime(seeds_at_chosen),
       "gsm8k_second_half_gain", to_estimate(chosen.second_half),
       goal("routing", "gsm8k_second_half_gain_min"), bar_kind::clearly_above_zero});
}

void thresholds(std::span<const graded_prompt> prompts, routing_results& results) {
  for (bool sparse : {false, true}) {
    auto f = run_gsm8k_threshold(prompts, 500, 128, sparse, seeds_of_thresholds);
    std::string name = sparse ? "with the sparse head" : "128 features";
    std::string suffix = sparse ? "_sparse" : "_dense";
    auto regime = "full labels of 500 prompts, tested on the others, " +
                  std::to_string(seeds_of_thresholds) + " draws";
    results.bars.push_back(
        {"GSM8K, threshold routing, " + name + ": APGR (published: best .622, random .50)", regime,
         "apgr" + suffix, to_estimate(f.apgr), goal("routing", "apgr" + suffix + "_min"),
         bar_kind::at_least});
    results.bars.push_back({"the same: CPT50 in % (published: best 33.6, random 50)", regime,
                            "cpt50" + suffix, to_estimate(f.cpt50),
                            goal("routing", "cpt50" + suffix + "_max"), bar_kind::at_most});
  }
}

void speed(std::span<const graded_prompt> prompts, routing_results& results) {
  auto s = measure_learner(prompts, 64, false);
  auto exactly = [](double value) { return estimate{value, value, value}; };
  results.bars.push_back({"a decision, µs (published: 22.5)", "p50, 64 features, 4 arms",
                          "decision_us", exactly(s.decision_us), goal("routing", "decision_us_max"),
                          bar_kind::at_most});
  results.bars.push_back({"learning from a reward, µs", "p50, 64 features, 4 arms", "learn_us",
                          exactly(s.learn_us), goal("routing", "learn_us_max"), bar_kind::at_most});
  results.bars.push_back({"features of a prompt of GSM8K, µs", "p50, 64 features", "features_us",
                          exactly(s.features_us), 0, bar_kind::shown});
}

enum chooser : std::size_t { learned, small_alone, large_alone, choosers };
constexpr std::array<const char*, choosers> chooser_names{"learned", "small alone", "large alone"};

/// Sums over seeds, decision by decision.
struct courses {
  std::array<std::vector<double>, choosers> reward, cost, regret;
};

void add_order(std::span<const graded_prompt> prompts, std::uint64_t seed, double best_fixed,
               courses& all) {
  std::mt19937_64 random{seed};
  std::vector<std::size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random);
  bandit router{{.cost_price = chosen_cost, .seed = seed, .learner = {}, .router = {}}};
  std::array<offered_arm, 2> arms{{{"small", "small", 0}, {"large", "large", 1}}};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& p = prompts[order[i]];
    std::string_view text = p.prompt;
    decision_facts facts;
    facts.purpose = schema::Purpose::STEP;
    facts.texts = {&text, 1};
    std::array<double, 2> quality{p.small ? 1.0 : 0.0, p.large ? 1.0 : 0.0};
    auto chosen = router.decide(facts, arms, i);
    router.learn(quality[chosen], i);
    for (std::size_t c = 0; c < choosers; ++c) {
      auto arm = c == learned ? chosen : c - small_alone;
      auto reward = quality[arm] - chosen_cost * arms[arm].cost;
      all.reward[c][i] += reward / seeds_of_plot;
      all.cost[c][i] += arms[arm].cost / seeds_of_plot;
      all.regret[c][i] += (best_fixed - reward) / seeds_of_plot;
    }
  }
}

double best_fixed_of(std::span<const graded_prompt> prompts) {
  double small = 0, large = 0;
  for (const auto& p : prompts) small += p.small ? 1 : 0, large += p.large ? 1 : 0;
  auto n = static_cast<double>(prompts.size());
  return std::max(small / n, large / n - chosen_cost);
}

panel panel_of(const char* title, const char* y_label,
               const std::array<std::vector<double>, choosers>& values, bool summed) {
  constexpr std::size_t window = 100;
  panel p{.title = title,
          .x_label = "decisions",
          .y_label = y_label,
          .lines = {},
          .y_from_zero = false,
          .mark = 0,
          .mark_text = ""};
  for (std::size_t c = 0; c < choosers; ++c) {
    line l{.name = chooser_names[c], .x = {}, .y = {}, .low = {}, .high = {}, .dashed = c != 0};
    if (summed) {
      l.y.resize(values[c].size());
      std::partial_sum(values[c].begin(), values[c].end(), l.y.begin());
      for (std::size_t i = 0; i < l.y.size(); ++i) l.x.push_back(static_cast<double>(i + 1));
    } else {
      l.y = window_means(values[c], window);
      for (std::size_t i = 0; i < l.y.size(); ++i)
        l.x.push_back(static_cast<double>((i + 1) * window));
    }
    p.lines.push_back(std::move(l));
  }
  return p;
}

void plot(std::span<const graded_prompt> prompts, routing_results& results) {
  courses all;
  for (auto* values : {&all.reward, &all.cost, &all.regret})
    for (auto& v : *values) v.assign(prompts.size(), 0);
  auto best = best_fixed_of(prompts);
  for (std::uint64_t seed = 1; seed <= seeds_of_plot; ++seed) add_order(prompts, seed, best, all);
  results.plots.push_back(
      {"gsm8k.svg",
       "GSM8K at c = .22, mean of " + std::to_string(seeds_of_plot) +
           " random orders, windows of 100 decisions; bandit feedback.",
       {"GSM8K: two real models",
        {panel_of("reward a decision", "right, less .22 if large", all.reward, false),
         panel_of("cost a decision", "share to the large model", all.cost, false),
         panel_of("cumulative regret", "behind the best fixed arm's mean", all.regret, true)}}});
}

}  // namespace

void report_gsm8k(const std::filesystem::path& data, routing_results& results) {
  if (data.empty()) {
    results.notes.push_back(
        "GSM8K was left out: it needs the full data sets (--data, TANDEM_BENCH_DATA).");
    return;
  }
  auto prompts = read_gsm8k(data);
  if (!prompts) {
    results.notes.push_back("GSM8K was left out: " + message_of(prompts.error()));
    return;
  }
  streams(*prompts, results);
  thresholds(*prompts, results);
  speed(*prompts, results);
  plot(*prompts, results);
}

}  // namespace tandem::bench
