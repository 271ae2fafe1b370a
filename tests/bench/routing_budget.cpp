#include "tests/bench/routing_budget.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "actors/executor_pool/tenant_ledger.hpp"
#include "actors/router/control/dual_price.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_bandit.hpp"
#include "tests/bench/routing_world.hpp"

namespace tandem::bench {
namespace {

constexpr int seeds = 100;
constexpr std::size_t jobs = 1000;
/// Without a target's price the router would spend about twice the target.
constexpr double cost_weight = 0.05;
constexpr double large_nanousd = 2e6;
constexpr std::int64_t target_nanousd = 660'000;
constexpr double within = 0.01;

struct spread {
  /// Of log cost.
  double sigma;
  const char* what;
  const char* figure;
};
constexpr std::array spreads{
    spread{0, "each call of an arm costs the same", "budget_sure"},
    spread{0.5, "costs of an arm are lognormal, sigma .5", "budget_noisy"},
    spread{1, "the same, sigma 1 (one call in a hundred costs six times the mean)", "budget_heavy"},
};

double normal(std::mt19937_64& random) {
  // Box and Muller; std::normal_distribution differs between libraries.
  auto radius = std::sqrt(-2 * std::log1p(-uniform(random)));
  return radius * std::cos(2 * std::numbers::pi * uniform(random));
}

/// Spent over the target, less 1, after `jobs` jobs of one call: the router starts knowing nothing.
double miss_of_target(double sigma, std::uint64_t seed) {
  world w{seed, cost_weight};
  bandit router{{.cost_price = cost_weight, .seed = seed, .learner = {}, .router = {}}};
  dual_price price{{.job_nanousd = target_nanousd}};
  std::mt19937_64 random{seed};
  auto offered = offer_of(w);
  double spent = 0;
  for (std::size_t i = 0; i < jobs; ++i) {
    auto now = (i + 1) * 1000;
    auto prompt = w.draw(random);
    router.set_cost_price(cost_weight + price.price(now));
    const auto& arm = w.arms[offered.places[router.decide(prompt.facts(), offered.arms, now)]];
    auto factor = std::exp(sigma * normal(random) - sigma * sigma / 2);
    auto cost = std::llround(large_nanousd * arm.cost * factor);
    price.on_cost(cost, now);
    price.on_job(now);
    router.learn(uniform(random) < arm.quality[prompt.topic] ? 1 : 0, now);
    spent += static_cast<double>(cost);
  }
  return spent / jobs / static_cast<double>(target_nanousd) - 1;
}

void run_target(const spread& s, routing_results& results) {
  std::vector<double> off, near;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    off.push_back(std::abs(miss_of_target(s.sigma, seed)));
    near.push_back(off.back() <= within ? 1 : 0);
  }
  auto regime = "bandit feedback, synthetic, " + std::to_string(seeds) + " seeds; the first " +
                std::to_string(jobs) + " jobs of one call, nothing learned before";
  results.bars.push_back(
      {"a target of a third of the large model's cost a job: off by, either "
       "way; " +
           std::string{s.what},
       regime, s.figure, estimate_of(off), goal("routing", "budget_off_max"), bar_kind::at_most});
  results.bars.push_back({"the same: share of seeds within 1%", regime,
                          std::string{s.figure} + "_within", estimate_of(near), 0,
                          bar_kind::shown});
}

struct cap_outcome {
  std::int64_t beyond_nanousd = 0;
  std::int64_t left_nanousd = 0;
};

/// 64 jobs call as often as they are let, in any order; each call may cost up to what was reserved,
/// and says what it did cost when it ends.
cap_outcome run_cap(std::uint64_t seed) {
  constexpr std::size_t concurrent = 64;
  constexpr std::int64_t most_nanousd = 2'000'000;
  constexpr std::int64_t cap_nanousd = 1'000'000'000;
  tenant_ledger ledger{{{.name = "acme", .cost_usd = cap_nanousd * 1e-9, .period = "never"}}};
  std::mt19937_64 random{seed};
  std::array<budget, concurrent> under_way{};
  cap_outcome out;
  std::int64_t spent = 0;
  std::int64_t reserved = 0;
  // A call in a row that is refused for good, while nothing is under way: nothing fits any more.
  for (int refused = 0; refused < 1000 || reserved > 0;) {
    auto& job = under_way[below(random, concurrent)];
    if (job.cost_nanousd > 0) {
      auto cost = static_cast<std::int64_t>(uniform(random) * uniform(random) *
                                            static_cast<double>(job.cost_nanousd + 1));
      ledger.settle("acme", job, {1, cost}, 0);
      spent += cost;
      reserved -= job.cost_nanousd;
      job = {};
      continue;
    }
    budget most{1, 1 + static_cast<std::int64_t>(below(random, most_nanousd))};
    if (ledger.reserve("acme", most, 0).code != errc::unknown) {
      ++refused;
      continue;
    }
    refused = 0;
    job = most;
    reserved += most.cost_nanousd;
    out.beyond_nanousd = std::max(out.beyond_nanousd, spent + reserved - cap_nanousd);
  }
  out.left_nanousd = cap_nanousd - spent;
  return out;
}

}  // namespace

void run_budget(routing_results& results) {
  for (const auto& s : spreads) run_target(s, results);
  std::vector<double> beyond, left;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto o = run_cap(seed);
    beyond.push_back(static_cast<double>(o.beyond_nanousd));
    left.push_back(static_cast<double>(o.left_nanousd) / 2e6);
  }
  auto regime = "64 jobs under way, " + std::to_string(seeds) +
                " seeds; 1 USD, calls of up to .002, in any order";
  results.bars.push_back({"hard cap: spent or reserved beyond it at any time, 1e-9 USD", regime,
                          "cap_beyond", estimate_of(beyond), 0, bar_kind::at_most});
  results.bars.push_back({"hard cap: left of it when no call fits any more, in dearest calls",
                          regime, "cap_left", estimate_of(left), 0, bar_kind::shown});
}

}  // namespace tandem::bench
