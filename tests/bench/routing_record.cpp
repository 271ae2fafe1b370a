// Records how each way of a job ends with the embedded models, for the bench `routing`:
//   bench_routing_record TASKS.jsonl... >tiny_outcomes.csv
// No bench of its own: no goal, minutes of CPU.

#include <cstdio>

#include "tests/bench/task_runner.hpp"

namespace tandem::bench {
namespace {

void record(const std::vector<task>& tasks) {
  auto plan_act = ask_all(tasks, schema::PlanMode::PLAN_ACT, "cheapest");
  auto large = ask_all(tasks, schema::PlanMode::LARGE, "cheapest");
  auto small = ask_all(tasks, schema::PlanMode::SMALL, "cheapest");
  std::printf(
      "ops,plan_act_right,plan_act_large_in,plan_act_large_out,plan_act_small_in,"
      "plan_act_small_out,large_right,large_in,large_out,small_right,small_in,small_out,"
      "question\n");
  auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto& p = plan_act[i];
    const auto& l = large[i];
    const auto& s = small[i];
    std::printf("%d,%d,%llu,%llu,%llu,%llu,%d,%llu,%llu,%d,%llu,%llu,\"%s\"\n", tasks[i].operations,
                p.right ? 1 : 0, number(p.large.prompt), number(p.large.completion),
                number(p.small.prompt), number(p.small.completion), l.right ? 1 : 0,
                number(l.large.prompt), number(l.large.completion), s.right ? 1 : 0,
                number(s.small.prompt), number(s.small.completion), tasks[i].question.c_str());
  }
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  std::vector<tandem::bench::task> tasks;
  for (int i = 1; i < argc; ++i) {
    auto more = tandem::bench::read_tasks(argv[i]);
    tasks.insert(tasks.end(), more.begin(), more.end());
  }
  if (tasks.empty()) {
    std::fprintf(stderr, "usage: bench_routing_record TASKS.jsonl...\n");
    return 2;
  }
  tandem::bench::record(tasks);
  return 0;
}
