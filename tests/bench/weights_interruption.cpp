// What calls notice of an update, beside the minutes before it and beside a stop of all engines.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/bench/weights_fleet.hpp"
#include "tests/bench/weights_router.hpp"

namespace tandem::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::modelled_jobs;
using testing::weight_fleet;
using us = testing::virtual_time::us;

constexpr std::uint64_t seeds = 5;
constexpr seconds before{300};
constexpr double load = .7;
/// More away would leave too few for the load. One of a hundred is slower than the earlier p99
/// whatever happens, so that only the shortest update can have 95% fewer of these than a stop.
constexpr std::uint32_t at_once_most = 4;

double s(us time) {
  return static_cast<double>(time.count()) / 1e6;
}

struct arm {
  std::vector<modelled_jobs::record> calls;
  us began{0};
  us took{0};
  modelled_jobs::counts count;
  std::uint64_t cut_off = 0;
  std::string stale;
};

testing::fleet_options sixteen(std::uint64_t seed) {
  testing::fleet_options out{.nodes = 4, .engines = 4, .seed = seed};
  out.engine.sim.load_time = seconds{10};
  return out;
}

/// `at_once`: engines that may be away; all of them is the stop of the world.
arm run_arm(std::uint64_t seed, std::uint32_t at_once) {
  weight_fleet fleet{sixteen(seed)};
  routed_world world{fleet, {.seed = seed}};
  modelled_jobs jobs{
      fleet, world, {.jobs_per_s = load * world.capacity(fleet.engines()), .seed = seed}};
  arm out;
  jobs.on_done = [&](const modelled_jobs::record& done) { out.calls.push_back(done); };
  auto& time = fleet.time();
  // Whatever the arm takes: all are compared over the longest one's time.
  jobs.arrive_until(time.now() + before + before);
  time.run_until(time.now() + before);
  out.began = time.now();
  auto why = fleet.nodes()[0]->begin_roll(
      "2", {.max_unavailable = at_once, .drain_ms = 2000, .load_ms = 60'000});
  if (!why.empty()) out.stale = why;
  while (!fleet.agreement().roll->is_over()) time.run_until(time.now() + milliseconds{10});
  out.took = time.now() - out.began;
  time.run_until(out.began + before + seconds{60});
  out.count = jobs.count();
  for (const auto& each : jobs.complaints()) out.stale += each + "; ";
  if (fleet.agreement().roll->phase != schema::RollPhase::DONE)
    out.stale += "the update ended as " + std::string{to_string(fleet.agreement().roll->phase)};
  for (std::size_t i = 0; i < fleet.engines(); ++i) out.cut_off += fleet.engine(i).sums().cut_off;
  return out;
}

struct span_figures {
  std::vector<double> first;
  std::vector<double> total;
  double unserved = 0;

  [[nodiscard]] double count() const { return static_cast<double>(total.size()) + unserved; }
  [[nodiscard]] double over(double limit) const {
    return unserved + static_cast<double>(std::count_if(total.begin(), total.end(),
                                                        [&](double t) { return t > limit; }));
  }
};

span_figures look(const arm& of, us from, us until) {
  span_figures out;
  for (const auto& each : of.calls) {
    if (each.arrived < from || each.arrived >= until) continue;
    if (each.how != modelled_jobs::ending::served) {
      ++out.unserved;
      continue;
    }
    out.first.push_back(s(each.first - each.arrived));
    out.total.push_back(s(each.ended - each.arrived));
  }
  return out;
}

struct compared {
  std::vector<double> first, total, fewer, fewer_beyond, goodput, seconds, lost;
};

/// What two arms lose, over the time of the update.
void compare(const arm& rolled, const arm& stopped, compared& to) {
  auto was = look(rolled, rolled.began - rolled.took, rolled.began);
  auto is = look(rolled, rolled.began, rolled.began + rolled.took);
  to.first.push_back(percentile(is.first, .99) / percentile(was.first, .99));
  to.total.push_back(percentile(is.total, .99) / percentile(was.total, .99));
  auto limit = percentile(was.total, .99);
  auto other = look(stopped, stopped.began, stopped.began + rolled.took);
  auto slow = is.over(limit);
  auto stop = other.over(limit);
  to.fewer.push_back(1 - slow / stop);
  // One of a hundred is slower than the earlier p99 whatever happens.
  auto beyond = [](const span_figures& of, double over) { return over - of.count() / 100; };
  to.fewer_beyond.push_back(1 - beyond(is, slow) / beyond(other, stop));
  to.goodput.push_back(1 - std::max(beyond(is, slow), 0.0) / std::max(beyond(other, stop), 1.0));
  to.seconds.push_back(s(rolled.took));
  to.lost.push_back(
      static_cast<double>(rolled.count.failed + rolled.count.timed_out + rolled.count.stale));
}

double worst_of(const std::vector<double>& of, bool most) {
  return most ? *std::max_element(of.begin(), of.end()) : *std::min_element(of.begin(), of.end());
}

std::string row(const char* name, std::uint32_t at_once, const arm& of, us span) {
  auto was = look(of, of.began - span, of.began);
  auto is = look(of, of.began, of.began + span);
  auto limit = percentile(was.total, .99);
  char text[300];
  std::snprintf(
      text, sizeof text,
      "| %s, %u at once | %.0f | %.2f, %.2f | %.2f, %.2f | %.0f of %.0f | %llu | %llu |\n", name,
      at_once, s(of.took), percentile(was.first, .99), percentile(is.first, .99), limit,
      percentile(is.total, .99), is.over(limit), is.count(),
      static_cast<unsigned long long>(of.cut_off),
      static_cast<unsigned long long>(of.count.failed + of.count.timed_out));
  return text;
}

}  // namespace

void report_interruption(routing_results& results) {
  std::string table =
      "First seed; before and during:\n\n"
      "| update | seconds | p99 first token, s | p99 whole, s | failed or slower than the earlier "
      "p99 | cut off and asked again | lost |\n|---|---|---|---|---|---|---|\n";
  for (std::uint32_t at_once : {1u, 2u, at_once_most}) {
    compared all;
    std::string wrong;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      auto rolled = run_arm(seed, at_once);
      auto stopped = run_arm(seed, 16);
      wrong += rolled.stale + stopped.stale;
      compare(rolled, stopped, all);
      if (seed != 1) continue;
      table += row("engine by engine", at_once, rolled, rolled.took);
      table += row("stop of the world", 16, stopped, rolled.took);
    }
    if (!wrong.empty()) results.notes.push_back("WRONG: " + wrong);
    auto regime = "16 engines, " + std::to_string(at_once) + " away at once, load 70%, " +
                  std::to_string(seeds) + " seeds";
    auto name = "_" + std::to_string(at_once);
    auto worst = [&](const std::vector<double>& of, bool most) {
      return exactly(worst_of(of, most));
    };
    add_bar(results, "failed, lost or stale requests, all seeds", regime, "lost" + name,
            exactly(worst_of(all.lost, true) + (wrong.empty() ? 0 : 1)), "lost_max");
    add_bar(results, "p99 of first token, over before", regime, "first_p99" + name,
            estimate_of(all.first));
    add_bar(results, "the same, worst seed", regime, "first_p99_worst" + name,
            worst(all.first, true), "p99_over_before_max");
    add_bar(results, "p99 of the whole, over before", regime, "total_p99" + name,
            estimate_of(all.total));
    add_bar(results, "the same, worst seed", regime, "total_p99_worst" + name,
            worst(all.total, true), "p99_over_before_max");
    add_bar(results, "fewer failed or slower than the earlier p99 than a stop of the world", regime,
            "fewer" + name, estimate_of(all.fewer),
            at_once == at_once_most ? "fewer_min" : std::string{});
    add_bar(results, "the same beyond the one of a hundred that always is", regime,
            "fewer_beyond" + name, estimate_of(all.fewer_beyond));
    add_bar(results, "the same, worst seed", regime, "fewer_beyond_worst" + name,
            worst(all.fewer_beyond, false), "fewer_min");
    add_bar(results, "less lost goodput, worst seed", regime, "goodput_worst" + name,
            worst(all.goodput, false), "goodput_min");
    add_bar(results, "the update, s", regime, "update_s" + name, estimate_of(all.seconds));
  }
  table += "\nThe project's claim is 50 to 70% fewer requests disturbed than by a stop.";
  results.notes.push_back(table);
}

}  // namespace tandem::bench
