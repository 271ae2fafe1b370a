#include "tests/bench/engine_choice_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/engine_world.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t seeds = 5;
constexpr std::size_t full_trace = 12'031;
constexpr std::array policies{"round_robin",     "least_loaded", "power_of_two",
                              "consistent_hash", "cache_aware",  "cache_or_performance",
                              "estimated_ttft"};

/// Of one setting under several seeds.
struct figures {
  std::vector<double> hit, mean_s, p50_s, p99_s, refusals, predicted;
  world_result last;
};

double average(const std::vector<double>& values) {
  return estimate_of(values).mean;
}

figures run_seeds(const request_trace& trace, world_options options) {
  figures out;
  for (options.seed = 1; options.seed <= seeds; ++options.seed) {
    out.last = run_world(trace, options);
    out.hit.push_back(out.last.hit);
    out.mean_s.push_back(out.last.mean_s);
    out.p50_s.push_back(out.last.p50_s);
    out.p99_s.push_back(out.last.p99_s);
    out.refusals.push_back(out.last.refusals);
    out.predicted.push_back(out.last.predicted_over_real);
  }
  return out;
}

world_options with_policy(const char* policy) {
  world_options o;
  o.choice.policy = policy;
  return o;
}

std::string row(const std::string& name, const figures& f) {
  char text[200];
  std::snprintf(text, sizeof text, "| %s | %.3f | %.2f | %.2f | %.2f |\n", name.c_str(),
                average(f.hit), average(f.mean_s), average(f.p50_s), average(f.p99_s));
  return text;
}

constexpr const char* head =
    "| policy | blocks hit | mean TTFT, s | median | p99 |\n|---|---|---|---|---|\n";

class bench_run {
 public:
  bench_run(const std::filesystem::path& data, routing_results& results)
      : data_{data}, results_{results}, trace_{load_mooncake(data)} {
    full_ = trace_.requests.size() == full_trace;
    if (!full_)
      results_.notes.push_back("Only a sample of the trace was there: its figures have no goals.");
  }

  void run() {
    timed("baselines", [this] { baselines(); });
    timed("policies", [this] { policies_compared(); });
    timed("routers", [this] { several_routers(); });
    timed("other traces", [this] { other_traces(); });
    timed("scale", [this] { scale(); });
    timed("plot", [this] { plot(); });
  }

 private:
  template <class Scenario>
  static void timed(const char* name, Scenario scenario) {
    auto from = std::chrono::steady_clock::now();
    scenario();
    std::fprintf(stderr, "bench: %s took %.1f s\n", name, seconds_since(from));
  }

  void add(const std::string& what, const std::string& regime, const std::string& figure,
           const estimate& measured, const std::string& goal_name = "") {
    auto shown = goal_name.empty() || !full_;
    auto least = goal_name.ends_with("_min");
    results_.bars.push_back({what, regime, figure, measured,
                             shown ? 0 : goal("engine_choice", goal_name),
                             shown   ? bar_kind::shown
                             : least ? bar_kind::at_least
                                     : bar_kind::at_most});
  }

  /// The figures of the reference model, with the knowledge that it gives its policies.
  void baselines() {
    struct published {
      const char* policy;
      double hit, mean_s, p99_s;
    };
    constexpr std::array all{
        published{"round_robin", .113, 3.03, 17.3}, published{"least_loaded", .108, 2.97, 15.7},
        published{"consistent_hash", .354, 2.47, 16.2}, published{"cache_aware", .336, 2.15, 14.4}};
    double worst = 0;
    std::string table =
        "With the engines' own state before their eyes (in brackets: published):\n\n" +
        std::string{head};
    for (const auto& known : all) {
      auto options = with_policy(known.policy);
      options.perfect = true;
      auto f = run_seeds(trace_, options);
      for (auto [is, was] :
           {std::pair{average(f.hit), known.hit}, std::pair{average(f.mean_s), known.mean_s},
            std::pair{average(f.p99_s), known.p99_s}})
        worst = std::max(worst, std::abs(is / was - 1));
      char text[60];
      std::snprintf(text, sizeof text, " (%.3f, %.2f, p99 %.1f)", known.hit, known.mean_s,
                    known.p99_s);
      table += row(known.policy + std::string{text}, f);
    }
    if (full_)
      add("four baselines: furthest from their published figures", regime(), "baselines_off",
          {worst, worst, worst}, "baselines_off_max");
    results_.notes.push_back(table);
  }

  [[nodiscard]] std::string regime() const {
    return trace_.name + ", " + std::to_string(trace_.requests.size()) + " requests, " +
           std::to_string(seeds) + " seeds, 8 engines";
  }

  void policies_compared() {
    figures aware;
    std::string table = "Through the router: its own index, rates learned from first tokens:\n\n" +
                        std::string{head};
    for (const auto* policy : policies) {
      auto f = run_seeds(trace_, with_policy(policy));
      table += row(policy, f);
      if (policy == std::string_view{"cache_aware"}) aware = f;
      if (policy == std::string_view{"estimated_ttft"}) one_ = f;
    }
    add("estimated_ttft over cache_aware: mean TTFT", regime(), "mean_over_cache_aware",
        ratio_of(one_.mean_s, aware.mean_s), "mean_over_cache_aware_max");
    add("estimated_ttft over cache_aware: p99 of TTFT", regime(), "p99_over_cache_aware",
        ratio_of(one_.p99_s, aware.p99_s), "p99_over_cache_aware_max");
    add("estimated_ttft over cache_aware: blocks hit", regime(), "hit_over_cache_aware",
        ratio_of(one_.hit, aware.hit), "hit_over_cache_aware_min");
    auto unknown = with_policy("estimated_ttft");
    unknown.capacity_known = false;
    table += row("estimated_ttft, caches of unknown size", run_seeds(trace_, unknown));
    results_.notes.push_back(table);
  }

  void several_routers() {
    std::string table = "Four routers at once, reports of others' calls 5 ms old unless said:\n\n" +
                        std::string{head};
    auto four = with_policy("estimated_ttft");
    four.routers = 4;
    four.refuse_beyond_s = 0.05;
    table += row("one router", one_);
    auto f = run_seeds(trace_, four);
    add("four routers over one: mean TTFT",
        "all of a stamp at once; owners refuse what would wait 50 ms longer than thought",
        "four_over_one", ratio_of(f.mean_s, one_.mean_s), "four_over_one_max");
    char text[80];
    std::snprintf(text, sizeof text, "four, owners refuse (%.2f refusals a call)",
                  average(f.refusals));
    table += row(text, f);
    four.report_s = 0.1;
    table += row("the same, reports 100 ms old", run_seeds(trace_, four));
    four.report_s = 0.005;
    four.by_conversation = false;
    table += row("the same, conversations dealt to all four", run_seeds(trace_, four));
    four.by_conversation = true;
    four.refuse_beyond_s = 0;
    f = run_seeds(trace_, four);
    add("the same without refusals", "all of a stamp at once", "four_over_one_no_refusals",
        ratio_of(f.mean_s, one_.mean_s));
    table += row("four, owners refuse nothing", f);
    auto spread = spread_stamps(trace_);
    auto one = run_seeds(spread, with_policy("estimated_ttft"));
    f = run_seeds(spread, four);
    add("the same without refusals, arrivals apart", "stamps spread over their 3 s",
        "four_over_one_spread", ratio_of(f.mean_s, one.mean_s));
    table += row("arrivals spread over 3 s: one", one);
    table += row("arrivals spread over 3 s: four, nothing refused", f);
    results_.notes.push_back(table);
  }

  void compare_on(const request_trace& trace, const std::string& name) {
    auto aware = run_seeds(trace, with_policy("cache_aware"));
    auto least = run_seeds(trace, with_policy("least_loaded"));
    auto ttft = run_seeds(trace, with_policy("estimated_ttft"));
    add("estimated_ttft over cache_aware: mean TTFT", trace.name, name + "_mean",
        ratio_of(ttft.mean_s, aware.mean_s));
    add("estimated_ttft over cache_aware: p99", trace.name, name + "_p99",
        ratio_of(ttft.p99_s, aware.p99_s));
    results_.notes.push_back(trace.name + ":\n\n" + head + row("least_loaded", least) +
                             row("cache_aware", aware) + row("estimated_ttft", ttft));
  }

  void other_traces() {
    auto spread = spread_stamps(trace_);
    spread.name = "Mooncake, stamps spread over their 3 s";
    compare_on(spread, "spread");
    auto azure = load_azure_with_prefixes(data_);
    if (!azure.requests.empty()) compare_on(azure, "azure");
  }

  void scale() {
    auto options = with_policy("estimated_ttft");
    options.engines = 1'000;
    options.measure_time = true;
    auto many = multiply(trace_, 100, 200'000);
    auto r = run_world(many, options);
    auto n = std::to_string(many.requests.size());
    auto where = "1,000 engines, each arrival 100 times, " + n + " decisions, wall time";
    auto shown = [](double value) { return estimate{value, value, value}; };
    add("a decision, median, µs", where, "decision_us_p50", shown(percentile(r.choose_us, 0.5)),
        "decision_us_p50_max");
    add("a decision, p99, µs", where, "decision_us_p99", shown(percentile(r.choose_us, 0.99)),
        "decision_us_p99_max");
    add("noting it in a full index, median, µs", where, "noting_us_p50",
        shown(percentile(r.assign_us, 0.5)));
    add("noting it in a full index, p99, µs", where, "noting_us_p99",
        shown(percentile(r.assign_us, 0.99)));
    auto cap = static_cast<double>(options.choice.prefix_index_bytes_max);
    add("the index over its cap of 64 MiB", where, "index_over_cap",
        shown(static_cast<double>(r.index_bytes) / cap), "index_over_cap_max");
    options.choice.prefix_index_bytes_max = std::size_t{512} << 20;
    options.measure_time = false;
    auto large = run_world(many, options);
    char text[300];
    std::snprintf(
        text, sizeof text,
        "1,000 engines: with 64 MiB the index holds %zu blocks of engines and %.3f of all "
        "blocks are hit (mean TTFT %.2f s); with 512 MiB %zu and %.3f (%.2f s).",
        r.index_pairs, r.hit, r.mean_s, large.index_pairs, large.hit, large.mean_s);
    results_.notes.emplace_back(text);
  }

  void plot() {
    panel spread{.title = "Time to the first token",
                 .x_label = "share of requests, %",
                 .y_label = "s",
                 .lines = {},
                 .y_from_zero = true};
    panel load{.title = "Mean, by load",
               .x_label = "arrivals, times those recorded",
               .y_label = "s",
               .lines = {},
               .y_from_zero = true};
    for (const char* policy : {"estimated_ttft", "cache_aware", "cache_or_performance",
                               "consistent_hash", "least_loaded"}) {
      auto options = with_policy(policy);
      line by_share{.name = policy, .x = {}, .y = {}};
      auto times = run_world(trace_, options).ttft_s;
      for (int p = 1; p < 100; ++p) {
        by_share.x.push_back(p);
        by_share.y.push_back(percentile(times, p / 100.0));
      }
      spread.lines.push_back(by_share);
      line by_load{.name = policy, .x = {}, .y = {}};
      for (double times_faster : {0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1}) {
        auto faster = trace_;
        for (auto& r : faster.requests) r.at_s /= times_faster;
        by_load.x.push_back(times_faster);
        by_load.y.push_back(run_world(faster, options).mean_s);
      }
      load.lines.push_back(by_load);
    }
    results_.plots.push_back(
        {"ttft.svg",
         "By policy, through the router's own index and estimates: " + regime() + ".",
         {"Engines chosen by where the answer comes first", {spread, load}}});
  }

  std::filesystem::path data_;
  routing_results& results_;
  request_trace trace_;
  bool full_ = false;
  figures one_;
};

}  // namespace

void report_engine_choice(const std::filesystem::path& data, routing_results& results) {
  bench_run{data, results}.run();
}

}  // namespace tandem::bench
