#include "tests/bench/routing_tiny.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_bandit.hpp"

namespace tandem::bench {
namespace {

constexpr int seeds = 100;
constexpr std::size_t jobs = 1500;
constexpr std::size_t learned = 1000;
constexpr std::uint64_t ms_per_job = 1000;
constexpr std::size_t ways = 3;
constexpr std::size_t operations_max = 5;
constexpr std::array<const char*, ways> way_names{"plan_act", "large", "small"};
constexpr std::array<const char*, ways> shown_names{"plan/act", "large alone", "small alone"};
constexpr std::array<const char*, ways> way_tiers{"large", "large", "small"};
// Those of config/embedded.toml, US dollars a million tokens.
constexpr double large_price = 24.7;
constexpr double small_price = 0.24;

struct recorded_job {
  std::size_t operations = 0;
  std::string question;
  std::array<bool, ways> right{};
  /// Over what the job costs with the large model alone.
  std::array<double, ways> cost{};
};

recorded_job job_in(const std::string& text) {
  std::array<double, 12> n{};
  auto rest = text.c_str();
  for (auto& value : n) {
    char* end = nullptr;
    value = std::strtod(rest, &end);
    if (*end != ',') {
      std::fprintf(stderr, "bench: tiny_outcomes.csv: cannot read '%s'\n", text.c_str());
      std::exit(2);
    }
    rest = end + 1;
  }
  std::string question = rest;
  auto large_alone = (n[7] + n[8]) * large_price;
  return {.operations = static_cast<std::size_t>(n[0]),
          .question = question.substr(1, question.size() - 2),
          .right = {n[1] > 0, n[6] > 0, n[9] > 0},
          .cost = {((n[2] + n[3]) * large_price + (n[4] + n[5]) * small_price) / large_alone, 1,
                   (n[10] + n[11]) * small_price / large_alone}};
}

std::vector<recorded_job> read_jobs() {
  std::vector<recorded_job> all;
  std::ifstream in{TANDEM_SOURCE_DIR "/tests/data/routing/tiny_outcomes.csv"};
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) all.push_back(job_in(line));
  if (all.size() < jobs) {
    std::fprintf(stderr, "bench: tiny_outcomes.csv has %zu jobs, %zu are needed\n", all.size(),
                 jobs);
    std::exit(2);
  }
  return all;
}

double reward(const recorded_job& job, std::size_t way, double cost_price) {
  return (job.right[way] ? 1.0 : 0.0) - cost_price * job.cost[way];
}

/// The best way for each number of operations, from the whole table.
std::array<std::size_t, operations_max + 1> best_ways(const std::vector<recorded_job>& all,
                                                      double cost_price) {
  std::array<std::array<double, ways>, operations_max + 1> sums{};
  for (const auto& job : all)
    for (std::size_t w = 0; w < ways; ++w) sums[job.operations][w] += reward(job, w, cost_price);
  std::array<std::size_t, operations_max + 1> best{};
  for (std::size_t n = 0; n <= operations_max; ++n)
    for (std::size_t w = 1; w < ways; ++w)
      if (sums[n][w] > sums[n][best[n]]) best[n] = w;
  return best;
}

/// Rewards, job by job.
struct course {
  std::vector<double> learned, informed;
  std::array<std::vector<double>, ways> fixed;
  std::vector<double> right, cost;
};

course run_once(const std::vector<recorded_job>& all, double cost_price, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random);
  order.resize(jobs);
  auto best = best_ways(all, cost_price);
  bandit router{{.purpose = schema::Purpose::WAY,
                 .cost_price = cost_price,
                 .seed = seed,
                 .learner = {},
                 .router = {}}};
  // What each way has cost so far; one such job each is made up from the prices alone.
  std::array<double, ways> costs{1, 1, small_price / large_price};
  std::array<double, ways> counts{1, 1, 1};
  course c;
  std::uint64_t now = 0;
  for (auto place : order) {
    const auto& job = all[place];
    std::array<offered_arm, ways> arms;
    for (std::size_t w = 0; w < ways; ++w)
      arms[w] = {way_names[w], way_tiers[w], costs[w] / counts[w]};
    std::string_view text = job.question;
    decision_facts facts;
    facts.purpose = schema::Purpose::WAY;
    facts.texts = {&text, 1};
    auto way = router.decide(facts, arms, now);
    router.learn(job.right[way] ? 1 : 0, now);
    costs[way] += job.cost[way];
    counts[way] += 1;
    now += ms_per_job;
    c.learned.push_back(reward(job, way, cost_price));
    c.right.push_back(job.right[way] ? 1 : 0);
    c.cost.push_back(job.cost[way]);
    c.informed.push_back(reward(job, best[job.operations], cost_price));
    for (std::size_t w = 0; w < ways; ++w) c.fixed[w].push_back(reward(job, w, cost_price));
  }
  return c;
}

double late_mean(const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t i = learned; i < jobs; ++i) sum += values[i];
  return sum / static_cast<double>(jobs - learned);
}

/// Mean and band over seeds of window means.
line curve(const char* name, const std::vector<std::vector<double>>& runs, bool with_band,
           bool dashed) {
  constexpr std::size_t window = 50;
  line l{.name = name, .x = {}, .y = {}, .low = {}, .high = {}, .dashed = dashed};
  std::vector<std::vector<double>> means;
  for (const auto& run : runs) means.push_back(window_means(run, window));
  for (std::size_t i = 0; i < means.front().size(); ++i) {
    std::vector<double> values;
    for (const auto& m : means) values.push_back(m[i]);
    auto e = estimate_of(values);
    l.x.push_back(static_cast<double>((i + 1) * window));
    l.y.push_back(e.mean);
    if (with_band) l.low.push_back(e.low), l.high.push_back(e.high);
  }
  return l;
}

/// At the mean of all runs.
line level(const char* name, const std::vector<std::vector<double>>& runs) {
  double sum = 0;
  for (const auto& run : runs) sum += estimate_of(run).mean;
  sum /= static_cast<double>(runs.size());
  return {.name = name,
          .x = {50, static_cast<double>(jobs)},
          .y = {sum, sum},
          .low = {},
          .high = {},
          .dashed = true};
}

std::string short_number(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

void draw(const std::vector<course>& runs, double cost_price, routing_results& results) {
  std::vector<std::vector<double>> learned_runs, informed, right, cost;
  std::array<std::vector<std::vector<double>>, ways> fixed;
  for (const auto& c : runs) {
    learned_runs.push_back(c.learned);
    informed.push_back(c.informed);
    right.push_back(c.right);
    cost.push_back(c.cost);
    for (std::size_t w = 0; w < ways; ++w) fixed[w].push_back(c.fixed[w]);
  }
  panel rewards{.title = "reward a job, price of cost " + short_number(cost_price),
                .x_label = "jobs",
                .y_label = "right, less price of cost x cost",
                .lines = {curve("learned", learned_runs, true, false)},
                .y_from_zero = true,
                .mark = static_cast<double>(learned),
                .mark_text = "measured from here"};
  rewards.lines.push_back(level("knows the operations", informed));
  for (std::size_t w = 0; w < ways; ++w) rewards.lines.push_back(level(shown_names[w], fixed[w]));
  panel others{.title = "what it does",
               .x_label = "jobs",
               .y_label = "share right; cost over large alone",
               .lines = {curve("right", right, true, false), curve("cost", cost, true, false)},
               .y_from_zero = true,
               .mark = 0,
               .mark_text = ""};
  results.plots.push_back({"tiny.svg",
                           "The embedded models' tasks, " + std::to_string(seeds) +
                               " random orders, windows of 50 jobs: the first decisions beside "
                               "the last, and what each way alone gives; bandit feedback.",
                           {"Which way a job goes", {std::move(rewards), std::move(others)}}});
}

void run_price(const std::vector<recorded_job>& all, double cost_price, bool drawn,
               routing_results& results) {
  std::vector<course> runs;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    runs.push_back(run_once(all, cost_price, seed));
  std::vector<double> behind;
  std::array<std::vector<double>, ways> ahead;
  for (const auto& c : runs) {
    auto value = late_mean(c.learned);
    behind.push_back(late_mean(c.informed) - value);
    for (std::size_t w = 0; w < ways; ++w) ahead[w].push_back(value - late_mean(c.fixed[w]));
  }
  auto least = estimate_of(ahead[0]);
  std::size_t closest = 0;
  for (std::size_t w = 1; w < ways; ++w)
    if (auto e = estimate_of(ahead[w]); e.mean < least.mean) least = e, closest = w;
  auto price = short_number(cost_price);
  auto regime = "bandit feedback, " + std::to_string(jobs) + " recorded jobs, " +
                std::to_string(seeds) + " orders; jobs 1,001 to 1,500, a job";
  results.bars.push_back(
      {"ways of tiny tasks, price of cost " + price + ": behind the best by number of operations",
       regime, "tiny_behind_at_" + price, estimate_of(behind), goal("routing", "tiny_behind_max"),
       bar_kind::at_most});
  results.bars.push_back(
      {"the same: ahead of the best single way (" + std::string{shown_names[closest]} + ")", regime,
       "tiny_ahead_at_" + price, least, 0, bar_kind::clearly_above_zero});
  if (drawn) draw(runs, cost_price, results);
}

}  // namespace

void run_tiny(routing_results& results) {
  auto all = read_jobs();
  for (double cost_price : {0.1, 0.2, 0.3}) run_price(all, cost_price, cost_price == 0.2, results);
}

}  // namespace tandem::bench
