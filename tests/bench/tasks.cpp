// The 300 held-out tasks on the embedded models, end to end: planned by the large model and acted
// by the small one, planned and acted by the large one, and answered in one go by either. Prints
// the table of the README.

#include <cstdio>
#include <map>

#include "tests/bench/bench.hpp"
#include "tests/bench/task_runner.hpp"

namespace tandem::bench {
namespace {

int run() {
  auto tasks = read_tasks(TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl");
  struct way {
    const char* name;
    schema::PlanMode mode;
    const char* policy;
    std::vector<outcome_of_task> outcomes;
  };
  std::vector<way> ways{{"plan/act", schema::PlanMode::PLAN_ACT, "cheapest", {}},
                        {"large plans and acts", schema::PlanMode::PLAN_ACT, "large_only", {}},
                        {"large alone", schema::PlanMode::LARGE, "cheapest", {}},
                        {"small alone", schema::PlanMode::SMALL, "cheapest", {}}};
  for (auto& w : ways) w.outcomes = ask_all(tasks, w.mode, w.policy);
  auto share = [&](const way& w, int operations) {
    double right = 0;
    double count = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (operations != 0 && tasks[i].operations != operations) continue;
      right += w.outcomes[i].right ? 1 : 0;
      ++count;
    }
    return std::pair{right / count, count};
  };
  std::printf("| operations | tasks |");
  for (const auto& w : ways) std::printf(" %s |", w.name);
  std::printf("\n|---|---|---|---|---|---|\n");
  for (int operations : {1, 2, 3, 4, 5, 0}) {
    std::printf("| %s | %.0f |", operations == 0 ? "all" : std::to_string(operations).c_str(),
                share(ways[0], operations).second);
    for (const auto& w : ways) std::printf(" %.3f |", share(w, operations).first);
    std::printf("\n");
  }
  std::printf("| cost per task, 1e-6 $ | |");
  report result{.bench = "tasks"};
  for (const auto& w : ways) {
    double cost = 0;
    for (const auto& o : w.outcomes) cost += static_cast<double>(o.cost_nanousd) / 1e3;
    std::printf(" %.0f |", cost / static_cast<double>(tasks.size()));
  }
  std::printf("\n\n");
  result.figures = {{"plan_act", share(ways[0], 0).first},
                    {"large_acts", share(ways[1], 0).first},
                    {"large_alone", share(ways[2], 0).first},
                    {"small_alone", share(ways[3], 0).first}};
  result.ratio = result.figures["plan_act"] / result.figures["large_alone"];
  result.goal = goal("tasks", "plan_act_min");
  result.ok = result.figures["plan_act"] >= result.goal;
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
