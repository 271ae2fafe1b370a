// A million requests across 20 updates, and a checker that knows which version made each answer.

#include <cstdio>

#include "tests/bench/weights_fleet.hpp"
#include "tests/bench/weights_router.hpp"

namespace tandem::bench {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t requests = 1'000'000;
constexpr int updates = 20;

struct outcome {
  testing::modelled_jobs::counts count;
  std::string complaints;
  int done = 0;
};

/// `drain_ms` is the deadline for jobs as well.
outcome run(std::uint64_t calls, int rolls, std::uint64_t drain_ms, double mixing) {
  testing::fleet_options options{.nodes = 4, .engines = 4};
  options.engine.sim.load_time = seconds{10};
  testing::weight_fleet fleet{options};
  routed_world world{fleet, {.prompt_tokens = 200, .answer_tokens = 20, .cached = true}};
  testing::modelled_jobs jobs{
      fleet, world, {.jobs_per_s = 150, .calls_max = 5, .mixing = mixing, .prompts = 20'000}};
  auto& time = fleet.time();
  outcome out;
  jobs.arrive_until(time.now() + std::chrono::hours{10});
  for (int i = 0; i < rolls; ++i) {
    auto until = calls / static_cast<std::uint64_t>(rolls) * static_cast<std::uint64_t>(i);
    while (jobs.count().calls < until) time.run_until(time.now() + seconds{1});
    auto why = fleet.nodes()[static_cast<std::size_t>(i) % 4]->begin_roll(
        std::to_string(i + 2), {.max_unavailable = 2, .drain_ms = drain_ms, .load_ms = 60'000});
    if (!why.empty()) out.complaints += why + "; ";
    while (!fleet.agreement().roll->is_over()) time.run_until(time.now() + seconds{1});
    out.done += fleet.agreement().roll->phase == schema::RollPhase::DONE ? 1 : 0;
  }
  while (jobs.count().calls < calls) time.run_until(time.now() + seconds{1});
  jobs.arrive_until(time.now());
  time.run_until(time.now() + seconds{120});
  out.count = jobs.count();
  if (jobs.running() != 0)
    out.complaints += std::to_string(jobs.running()) + " jobs have not ended; ";
  for (const auto& each : jobs.complaints()) out.complaints += each + "; ";
  return out;
}

std::string numbers(const char* name, const outcome& of) {
  auto n = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  char text[400];
  std::snprintf(
      text, sizeof text,
      "%s: %d updates done, %llu answers, %llu of them from caches, %llu refusals (%llu by "
      "engines with other weights than the router thought), %llu cut off and asked again; "
      "jobs ended by their policy %llu, mixed %llu; failed %llu, late %llu.",
      name, of.done, n(of.count.served), n(of.count.from_cache), n(of.count.refused),
      n(of.count.wrong_weights), n(of.count.cut_off), n(of.count.jobs_by_policy),
      n(of.count.jobs_mixed), n(of.count.failed), n(of.count.timed_out));
  return text;
}

}  // namespace

void report_checker(routing_results& results) {
  auto all = run(requests, updates, 30'000, .3);
  auto regime = "16 engines, 20 updates, jobs of up to 5 calls, 30% may mix, drain 30 s";
  add_bar(results, "requests", regime, "requests", exactly(static_cast<double>(all.count.calls)),
          "requests_min");
  add_bar(results, "stale answers", regime, "stale",
          exactly(static_cast<double>(all.count.stale) + (all.complaints.empty() ? 0 : 1)),
          "stale_max");
  add_bar(results, "updates done", regime, "updates", exactly(all.done), "updates_min");
  add_bar(results, "jobs failed by policy, drain longer than jobs", regime, "by_policy",
          exactly(static_cast<double>(all.count.jobs_by_policy)), "by_policy_max");
  add_bar(results, "requests failed or late", regime, "checker_lost",
          exactly(static_cast<double>(all.count.failed + all.count.timed_out)), "lost_max");
  results.notes.push_back(numbers("Drain longer than jobs", all));
  if (!all.complaints.empty()) results.notes.push_back("WRONG: " + all.complaints);
  auto brief = run(requests / 20, 2, 200, .3);
  results.notes.push_back(numbers("Drain of 0.2 s", brief));
  add_bar(results, "stale answers, drain of 0.2 s", "the same, 2 updates", "stale_brief",
          exactly(static_cast<double>(brief.count.stale)), "stale_max");
}

}  // namespace tandem::bench
