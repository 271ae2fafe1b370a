// What plan/act jobs cost by learned routing, and by the large model alone.

#include "nodes/simulate/report.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"
#include "tests/bench/claims/claim_fleets.hpp"
#include "tests/bench/task_runner.hpp"

namespace tandem::bench {
namespace {

/// Jobs of a plan and eight steps, all verified, of which the small model can do seven kinds of
/// eight; nobody tells the router which.
simulation::load_spec verified_jobs(std::uint64_t jobs) {
  return {.rate = 0.5,
          .requests = jobs,
          .in = 100,
          .out = 1,
          .verified = 1,
          .kinds = 8,
          .jobs = 1,
          .steps = 8,
          .width = 4,
          .step_in = 16,
          .step_out = 100};
}

struct compared {
  std::vector<double> saved;
  double right_large = 0;
  double right_learned = 0;
};

/// Steps are easier than whole requests: that is what the plan is for.
constexpr double step_quality = 0.875;

compared compare(std::vector<pool_of_engines> pools, const claim_options& options) {
  for (auto& pool : pools)
    if (pool.tier == "small") pool.quality = step_quality;
  auto fleet = make_fleet(pools);
  auto load = verified_jobs(options.quick ? 150 : 600);
  compared out;
  auto seeds = options.quick ? 2u : 5u;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto large = simulate(fleet, "all_large", load, seed);
    auto learned = simulate(fleet, "learned", load, seed);
    out.saved.push_back(1 - simulation::usd_per_1k_right(learned) /
                                simulation::usd_per_1k_right(large));
    auto share = [](const simulation::run_result& r) {
      return static_cast<double>(r.right) / static_cast<double>(r.jobs);
    };
    out.right_large += share(large) / seeds;
    out.right_learned += share(learned) / seeds;
  }
  return out;
}

std::string shares_text(const compared& of) {
  return "right: all-large " +
         std::to_string(static_cast<int>(of.right_large * 1000 + 0.5) / 10.0).substr(0, 5) +
         "%, learned " +
         std::to_string(static_cast<int>(of.right_learned * 1000 + 0.5) / 10.0).substr(0, 5) + "%";
}

/// The embedded models, at the prices of config/embedded.toml: real calls, real verdicts.
void measure_embedded(claim_results& out) {
  auto tasks = read_tasks(TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl");
  tasks.resize(std::min<std::size_t>(tasks.size(), 120));
  auto run = [&](std::string_view policy) {
    double cost = 0, right = 0;
    for (const auto& each : ask_all(tasks, schema::PlanMode::PLAN_ACT, policy)) {
      cost += static_cast<double>(each.cost_nanousd);
      right += each.right ? 1 : 0;
    }
    return std::pair{cost, right / static_cast<double>(tasks.size())};
  };
  auto [large_cost, large_right] = run("large_only");
  auto [cost, right] = run("auto");
  auto saved = 1 - (cost / right) / (large_cost / large_right);
  out.claims.push_back(
      {.said = "cost 60 to 85% lower; in Plan/Act 62 to 75%",
       .condition =
           "real: 120 arithmetic tasks on the embedded models (a plan, then 1 to 5 steps), learned "
           "routing, dollars a right answer; prices of RouteLLM's pair (24.7 to 0.24)",
       .figure = "saved_embedded",
       .measured = saved,
       .low = saved,
       .high = saved,
       .shown = true,
       .remark = "the plans are long beside steps of a few tokens: the large model writes most "
                 "tokens. Right: all-large " +
                 std::to_string(large_right).substr(0, 5) + ", learned " +
                 std::to_string(right).substr(0, 5)});
}

}  // namespace

void measure_cost(const claim_options& options, claim_results& out) {
  auto brief = compare({brief_large(4), brief_small(2)}, options);
  auto public_prices = compare({public_large(4), public_small(2)}, options);
  auto at_brief = estimate_of(brief.saved);
  auto at_public = estimate_of(public_prices.saved);
  const std::string condition =
      "verified plan/act jobs, a plan and 8 steps of 100 tokens in 8 kinds, one of them too "
      "hard for the "
      "small model; routing learns which from nothing; dollars a right job";
  out.claims.push_back({.said = "cost 60 to 85% lower; in Plan/Act 62 to 75%",
                        .condition = condition + "; the brief's prices ($5.54 and $0.042 a 1,000)",
                        .figure = "saved_brief_prices",
                        .measured = at_brief.mean,
                        .low = at_brief.low,
                        .high = at_brief.high,
                        .goal = goal("claims", "saved_min"),
                        .remark = shares_text(brief)});
  out.claims.push_back(
      {.said = "cost 60 to 85% lower; in Plan/Act 62 to 75%",
       .condition =
           "the same at public prices ($0.178 and $0.0335 a 1,000; a ratio of 5.3, not 132)",
       .figure = "saved_public_prices",
       .measured = at_public.mean,
       .low = at_public.low,
       .high = at_public.high,
       .shown = true,
       .remark = shares_text(public_prices) + "; 81.1% is the ceiling at this ratio, with no large "
                                              "call at all: 85% cannot come true"});
  if (!options.quick) measure_embedded(out);
}

}  // namespace tandem::bench
