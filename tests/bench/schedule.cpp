// Real plans (AsyncHow: 799 of them, each with durations and the order that its steps need) on
// simulated engines that take the given times, scaled. The peer is the recorded optimum: all that
// can run at once does.
//   bench_schedule [FILE]   FILE: plans.jsonl of the full set; without it the committed sample is
//   used, and said.

#include <cmath>
#include <cstdio>
#include <fstream>

#include <simdjson.h>
#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/load.hpp"

namespace tandem::bench {
namespace {

constexpr const char* sample = TANDEM_SOURCE_DIR "/tests/data/asynchow/plans.jsonl";
/// Every plan's optimum takes this long.
constexpr double optimum_ms = 2'000;
/// Plans at once: few enough that two cores have time for their timers.
constexpr std::uint32_t in_flight = 200;

std::string json_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// The plan as a planner would write it, in topological order, and the goal that makes the
/// simulated planner write it.
std::string plan_json(simdjson::dom::element plan) {
  std::map<std::string, double> seconds;
  std::map<std::string, std::vector<std::string>> needs;
  for (auto step : plan["steps"].get_array())
    seconds[std::string{step["id"].get_string().value()}] = step["seconds"].get_double();
  for (auto edge : plan["edges"].get_array())
    needs[std::string{edge.at(1).get_string().value()}].emplace_back(
        edge.at(0).get_string().value());
  auto scale = optimum_ms / plan["optimal_seconds"].get_double();
  std::map<std::string, int> ids;
  std::string steps;
  while (ids.size() < seconds.size()) {
    auto before = ids.size();
    for (const auto& [name, takes] : seconds) {
      if (ids.count(name) != 0) continue;
      std::string deps;
      bool ready = true;
      for (const auto& need : needs[name]) {
        ready = ready && ids.count(need) != 0;
        if (ready) deps += (deps.empty() ? "" : ",") + std::to_string(ids[need]);
      }
      if (!ready) continue;
      auto id = static_cast<int>(ids.size()) + 1;
      ids[name] = id;
      auto prompt = "step " + name + " @sim {\"ms\":" + std::to_string(takes * scale) + "}";
      steps += (steps.empty() ? "" : ",") + ("{\"id\":" + std::to_string(id)) +
               ",\"kind\":\"do\",\"prompt\":\"" + json_text(prompt) + "\",\"depends_on\":[" + deps +
               "]}";
    }
    if (ids.size() == before) return {};
  }
  return "{\"steps\":[" + steps + "]}";
}

int run(const char* path, bool full) {
  std::ifstream in{path};
  std::vector<tmsg::submit> goals;
  simdjson::dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    auto json = plan_json(parser.parse(line));
    if (json.empty()) {
      std::fprintf(stderr, "bench: a plan with a cycle: %.80s\n", line.c_str());
      return 2;
    }
    goals.push_back(make_submit("plan @sim {\"ms\":0,\"reply\":\"" + json_text(json) + "\"}"));
  }
  if (goals.empty()) {
    std::fprintf(stderr, "bench: no plans in %s\n", path);
    return 2;
  }
  temp_folder folder{"schedule"};
  auto node = start_node(instant_sim(folder.path(), 1));
  auto load = run_load(node->system(), node->planner(), goals, goals.size(), in_flight);
  node->stop();
  double sum = 0;
  for (auto s : load.latencies) sum += 1e3 * s / optimum_ms;
  auto mean = sum / static_cast<double>(load.latencies.size());
  report result{.bench = "schedule"};
  result.figures = {
      {"plans", static_cast<double>(goals.size())},
      {"full_set", full ? 1.0 : 0.0},
      {"makespan_over_optimum_mean", mean},
      {"makespan_over_optimum_p99", percentile(load.latencies, 0.99) * 1e3 / optimum_ms},
      {"failed", static_cast<double>(load.failed)}};
  result.ratio = mean;
  result.goal = goal("schedule", "makespan_over_optimum_max");
  result.ok = mean <= result.goal && load.failed == 0;
  std::printf(
      "%zu %s plans, each scaled to an optimum of %.0f ms: makespan %.3f times the optimum\n",
      goals.size(), full ? "real" : "sampled (give the full plans.jsonl as an argument)",
      optimum_ms, mean);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc > 1 ? argv[1] : tandem::bench::sample, argc > 1);
}
