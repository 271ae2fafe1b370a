#include "tests/bench/warm_up_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/warm_world.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t seeds = 5;
constexpr double load = 0.7;
/// Where weights are rolled, as shares of the trace.
constexpr std::array middle{0.5};
constexpr std::array places{0.35, 0.42, 0.5, 0.58, 0.65};
constexpr const char* head =
    "| | mean TTFT, s | p99 | mean lower by, % | of those that go on with what was known, % | p99 "
    "lower by, % | prompt tokens cached, % | replayed, thousand tokens (before admission) | "
    "wasted, % |\n|---|---|---|---|---|---|---|---|---|\n";

/// Of the requests that begin, beyond the first block, as one before the roll did.
double mean_of_returning(const request_trace& trace, std::size_t roll_at, const warm_result& one) {
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < roll_at; ++i)
    seen.insert(trace.requests[i].blocks.begin(), trace.requests[i].blocks.end());
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < one.ttft_s.size(); ++i) {
    const auto& blocks = trace.requests[roll_at + i].blocks;
    if (blocks.size() < 2 || !seen.contains(blocks[1])) continue;
    sum += one.ttft_s[i];
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

struct figures {
  std::vector<double> mean_s, returning_s, p99_s, hit, replayed, before, wasted;

  void add(const warm_result& one) {
    mean_s.push_back(one.mean_s);
    p99_s.push_back(one.p99_s);
    hit.push_back(one.hit);
    replayed.push_back(one.replayed_tokens);
    before.push_back(one.replayed_before);
    wasted.push_back(one.replayed_tokens - one.used_tokens);
  }
};

double average(const std::vector<double>& values) {
  return estimate_of(values).mean;
}

estimate lower_by(const std::vector<double>& over, const std::vector<double>& under) {
  auto ratio = ratio_of(over, under);
  return {.mean = 1 - ratio.mean, .low = 1 - ratio.high, .high = 1 - ratio.low};
}

estimate wasted_of(const figures& f) {
  return average(f.replayed) > 0 ? ratio_of(f.wasted, f.replayed) : estimate{};
}

figures run_seeds(const request_trace& trace, warm_options o, warm_arm arm) {
  figures out;
  o.arm = arm;
  for (o.seed = 1; o.seed <= seeds; ++o.seed) {
    auto one = run_warm_world(trace, o);
    out.add(one);
    out.returning_s.push_back(mean_of_returning(trace, o.roll_at, one));
  }
  return out;
}

std::string row(const std::string& name, const figures& f, const figures& without) {
  auto mean = lower_by(f.mean_s, without.mean_s);
  char text[300];
  std::snprintf(
      text, sizeof text,
      "| %s | %.2f | %.1f | %.1f (%.1f to %.1f) | %.1f | %.1f | %.1f | %.0f (%.0f) | %.0f |\n",
      name.c_str(), average(f.mean_s), average(f.p99_s), 100 * mean.mean, 100 * mean.low,
      100 * mean.high, 100 * lower_by(f.returning_s, without.returning_s).mean,
      100 * lower_by(f.p99_s, without.p99_s).mean, 100 * average(f.hit),
      average(f.replayed) / 1'000, average(f.before) / 1'000, 100 * wasted_of(f).mean);
  return text;
}

request_trace faster(const request_trace& trace, double times) {
  auto out = trace;
  for (auto& r : out.requests) r.at_s /= times;
  return out;
}

/// Arrivals so much faster that all prompts, read without any cache, are the load.
double times_without_cache(const request_trace& trace, const warm_options& o) {
  double tokens = 0;
  for (const auto& r : trace.requests) tokens += r.input;
  auto capacity = o.prefill_tokens_per_s * o.engines * trace.requests.back().at_s;
  return load * capacity / tokens;
}

/// That engines read prompts for that share of the trace's second half, where nothing is rolled.
double times_with_caches(const request_trace& trace, warm_options o) {
  o.roll = roll_kind::none;
  double times = 1;
  for (int i = 0; i < 4; ++i) {
    auto busy = run_warm_world(faster(trace, times), o).busy;
    times *= load / busy;
  }
  return times;
}

class warm_up_run {
 public:
  warm_up_run(const request_trace& trace, const std::string& suffix, bool has_goals,
              routing_results& results)
      : trace_{trace}, suffix_{suffix}, has_goals_{has_goals}, results_{results} {
    o_.roll_at = trace.requests.size() / 2;
    // With an eighth of the text for each block all of the product's limits, in tokens, are eight
    // times as large.
    o_.block_bytes = prompt_hasher::block_bytes;
  }

  void run() {
    say_what_there_is();
    at_load("prompts without any cache are 70% of capacity", "",
            faster(trace_, times_without_cache(trace_, o_)));
    at_load("engines with caches read 70% of the time", "_busy",
            faster(trace_, times_with_caches(trace_, o_)));
  }

 private:
  void add(const std::string& what, const std::string& figure, const estimate& measured,
           bar_kind kind = bar_kind::shown) {
    auto suffix = kind == bar_kind::at_least ? "_min" : "_max";
    if (!has_goals_) kind = bar_kind::shown;
    auto wanted = kind == bar_kind::shown ? 0 : goal("warm_up", figure + suffix);
    results_.bars.push_back({what, regime_, figure + suffix_ + load_, measured, wanted, kind});
  }

  void say_what_there_is() {
    double tokens = 0;
    auto end = std::min(trace_.requests.size(), o_.roll_at + o_.measured);
    for (auto i = o_.roll_at; i < end; ++i) tokens += trace_.requests[i].input;
    auto all_engines = o_.engines / 1e6;
    char text[300];
    std::snprintf(text, sizeof text,
                  "Warm-up: the first %zu requests after the roll have %.2f million prompt tokens; "
                  "all engines read %.2f million in 5 s, and their caches hold %.0f million. A "
                  "replayed token saves one at most.",
                  end - o_.roll_at, tokens / 1e6, 5 * o_.prefill_tokens_per_s * all_engines,
                  static_cast<double>(o_.capacity_tokens) * all_engines);
    results_.notes.emplace_back(text);
  }

  void at_load(const std::string& name, const std::string& load, const request_trace& trace) {
    load_ = load;
    regime_ = trace_.name + ", " + name + ", 8 engines change weights one by one, 5 s each; " +
              std::to_string(seeds) + " seeds";
    o_.roll = roll_kind::one_by_one;
    compare("Warm-up, " + name + ", weights rolled one by one, each engine away for 5 s:", trace,
            true);
    o_.roll = roll_kind::at_once;
    compare("The same, all engines at the same time:", trace, false);
    ceilings(name, trace);
  }

  void compare(const std::string& title, const request_trace& trace, bool with_bars) {
    auto without = run_seeds(trace, o_, warm_arm::without);
    auto table = title + "\n\n" + head + row("not warmed", without, without);
    auto with = [&](const std::string& name, const warm_options& o, warm_arm arm) {
      auto f = run_seeds(trace, o, arm);
      table += row(name, f, without);
      return f;
    };
    auto small = o_;
    small.block_bytes = trace_block_tokens * 4;
    auto by_default =
        with("warmed, 5 s before admission, limits by default", small, warm_arm::warmed);
    auto warmed =
        with("warmed, 5 s before admission, limits eight times as large", o_, warm_arm::warmed);
    auto idle = o_;
    idle.warm_s = 0;
    (void)with("the same, admitted at once, warmed while idle", idle, warm_arm::warmed);
    idle.warms_beside_answers = true;
    (void)with("the same, also while answers are written", idle, warm_arm::warmed);
    auto foreseen = with("what is to come foreseen, 5 s before admission", o_, warm_arm::foresight);
    (void)with("what is to come foreseen, admitted at once, warmed while no prompt is read", idle,
               warm_arm::foresight);
    auto restored = with("all caches restored for nothing", o_, warm_arm::restored);
    results_.notes.push_back(table);
    if (!with_bars) return;
    auto gain = [&](const figures& f) { return lower_by(f.mean_s, without.mean_s); };
    // The load is that of the engines; prompts without caches would be many times it where they
    // share their beginnings.
    auto is_bar = load_ == "_busy";
    add("mean TTFT of the first 1,000 requests lower by", "warm_up_gain", gain(by_default),
        is_bar ? bar_kind::at_least : bar_kind::shown);
    add("replayed tokens that no call used", "warm_up_wasted", wasted_of(by_default),
        is_bar ? bar_kind::at_most : bar_kind::shown);
    add("the same with limits eight times as large: TTFT lower by", "warm_up_large_gain",
        gain(warmed));
    add("the same with what is to come foreseen: TTFT lower by", "warm_up_foreseen_gain",
        gain(foreseen));
    add("all caches restored for nothing: TTFT lower by", "warm_up_restored_gain", gain(restored));
  }

  /// Whether there is a reading for which caches restored for nothing are enough.
  void ceilings(const std::string& name, const request_trace& trace) {
    std::string text =
        "All caches restored for nothing, " + name + ", one by one: mean TTFT lower by";
    auto o = o_;
    o.roll = roll_kind::one_by_one;
    text += ceiling("at five places of the trace", trace, o, places);
    o.load_s = 0;
    text += ceiling("with no time away", trace, o);
    o.capacity_tokens *= 100;
    text += ceiling("with no time away and caches that forget nothing", trace, o);
    o = o_;
    o.roll = roll_kind::one_by_one;
    o.measured = 200;
    text += ceiling("of the first 200", trace, o);
    o.measured = 1'000;
    text += ceiling("with arrivals 1.1 times as fast", faster(trace, 1.1), o);
    text += ceiling("with stamps spread over their 3 s", spread_stamps(trace), o);
    text.back() = '.';
    results_.notes.push_back(text);
  }

  static std::string ceiling(const std::string& what, const request_trace& trace, warm_options o,
                             std::span<const double> at = middle) {
    std::vector<double> restored, without;
    for (auto part : at) {
      o.roll_at = static_cast<std::size_t>(part * static_cast<double>(trace.requests.size()));
      for (o.seed = 1; o.seed <= seeds; ++o.seed)
        for (auto arm : {warm_arm::restored, warm_arm::without}) {
          o.arm = arm;
          auto& means = arm == warm_arm::restored ? restored : without;
          means.push_back(run_warm_world(trace, o).mean_s);
        }
    }
    auto gain = lower_by(restored, without);
    char text[200];
    std::snprintf(text, sizeof text, " %.1f%% (%.1f to %.1f) %s;", 100 * gain.mean, 100 * gain.low,
                  100 * gain.high, what.c_str());
    return text;
  }

  const request_trace& trace_;
  std::string suffix_;
  bool has_goals_;
  routing_results& results_;
  warm_options o_;
  std::string load_;
  std::string regime_;
};

}  // namespace

void report_warm_up(const request_trace& trace, const std::string& suffix, bool has_goals,
                    routing_results& results) {
  warm_up_run{trace, suffix, has_goals, results}.run();
}

}  // namespace tandem::bench
