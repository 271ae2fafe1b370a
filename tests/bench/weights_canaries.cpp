// What canaries let through: roll_machine and canary_judge on drawn requests.

#include <cmath>
#include <cstdio>
#include <random>

#include "actors/weight_sync/roll_machine.hpp"
#include "tests/bench/weights_fleet.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t runs = 200;
constexpr int engines = 16;
constexpr std::uint32_t canaries = 2;
constexpr double calls_per_engine_s = 7;
/// Rewarded calls have 0 or 1, as a check's verdict is.
constexpr double rewarded = 1;

struct version {
  double errors = .01;
  double mean_s = .8;
  double reward = .8;
};

/// Of one side, since canaries are judged.
struct drawn {
  service_figures figures;
  double rewards = 0;
  double right = 0;

  void second(const version& of, int engines_there, std::mt19937_64& random) {
    std::poisson_distribution<std::uint64_t> calls{calls_per_engine_s * engines_there};
    // Of exponential times, more spread than answers have.
    std::exponential_distribution<double> takes{1 / of.mean_s};
    std::uniform_real_distribution<double> share{0, 1};
    for (auto n = calls(random); n != 0; --n) {
      ++figures.requests;
      if (share(random) < of.errors) ++figures.failures;
      figures.busy_us += static_cast<std::uint64_t>(1e6 * takes(random));
      if (share(random) >= rewarded) continue;
      ++rewards;
      right += share(random) < of.reward ? 1 : 0;
    }
    if (rewards < 2) return;
    figures.rewards = rewards;
    figures.quality = right / rewards;
    figures.quality_error = std::sqrt(figures.quality * (1 - figures.quality) / rewards);
  }
};

struct verdict {
  bool accepted = false;
  std::uint64_t requests = 0;
  double seconds = 0;
};

verdict judge(const version& old, const version& next, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  fleet_view view{.now_ms = 1000};
  for (int i = 0; i < engines; ++i) {
    auto node = "n" + std::to_string(i / 4);
    view.engines.push_back({node, "e" + std::to_string(i), "1", true, false, {}});
    view.alive.insert(node);
    view.have.insert(node);
  }
  view.pins.emplace();
  roll_record record{.id = 1, .model = "m", .version = "2", .before = "1", .epoch = 1};
  record.options = {.canaries = canaries, .judge_ms = 30'000, .judge_requests = 200};
  add_engines(record, view.engines);
  roll_machine machine{record};
  drawn few, many;
  verdict out;
  while (true) {
    auto judging = machine.record().phase == schema::RollPhase::JUDGING;
    if (judging) {
      few.second(next, canaries, random);
      many.second(old, engines - static_cast<int>(canaries), random);
      view.canaries = few.figures;
      view.others = many.figures;
      out.seconds += 1;
    }
    auto orders = machine.step(view);
    auto phase = machine.record().phase;
    if (phase == schema::RollPhase::ROLLING || phase == schema::RollPhase::ROLLING_BACK) {
      out.accepted = phase == schema::RollPhase::ROLLING;
      out.requests = few.figures.requests;
      return out;
    }
    for (const auto& order : orders) {
      if (order.action != schema::OrderAction::UPDATE) continue;
      for (auto& each : view.engines)
        if (each.name == order.engine) each.version = order.version;
      machine.on_outcome(order, errc::unknown, {}, view.now_ms);
    }
    view.now_ms += 1000;
  }
}

}  // namespace

void report_canaries(routing_results& results) {
  struct kind {
    const char* what;
    const char* figure;
    version next;
    bool is_good;
  };
  const version old;
  const kind kinds[] = {
      {"a version as good is accepted", "good_accepted", old, true},
      {"errors 1% -> 11%: refused", "errors_refused", {.errors = .11}, false},
      {"twice as slow: refused", "slow_refused", {.mean_s = 1.6}, false},
      {"rewards .8 -> .7: refused", "rewards_refused", {.reward = .7}, false},
      {"errors 1% -> 2%: refused", "small_errors_refused", {.errors = .02}, false}};
  std::string table =
      "| version | share | requests of the canaries until then | seconds |\n"
      "|---|---|---|---|\n";
  for (const auto& each : kinds) {
    double right = 0;
    std::vector<double> requests, seconds;
    for (std::uint64_t seed = 1; seed <= runs; ++seed) {
      auto verdict = judge(old, each.next, seed);
      right += verdict.accepted == each.is_good ? 1 : 0;
      requests.push_back(static_cast<double>(verdict.requests));
      seconds.push_back(verdict.seconds);
    }
    auto small = std::string_view{each.figure} == "small_errors_refused";
    add_bar(results, each.what, "200 seeds, 2 canaries of 16, 7 requests/s each, 30 s", each.figure,
            exactly(right / runs), small ? "" : "canaries_right_min");
    char text[200];
    std::snprintf(text, sizeof text, "| %s | %.3f | median %.0f, p95 %.0f | median %.0f |\n",
                  each.what, right / runs, percentile(requests, .5), percentile(requests, .95),
                  percentile(seconds, .5));
    table += text;
  }
  results.notes.push_back(table);
}

}  // namespace tandem::bench
