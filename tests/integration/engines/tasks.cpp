#include "tests/integration/engines/tasks.hpp"

#include <fstream>

#include <simdjson.h>

namespace tandem::test {

std::vector<task> read_tasks(std::size_t most) {
  std::vector<task> all;
  std::ifstream file{TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl"};
  simdjson::dom::parser parser;
  for (std::string line; std::getline(file, line);) {
    auto object = parser.parse(line);
    all.push_back({std::string{std::string_view{object["question"]}},
                   std::string{std::string_view{object["answer"]}}});
  }
  if (most >= all.size()) return all;
  // Evenly spread, since the file is sorted by size.
  std::vector<task> some;
  for (std::size_t i = 0; i < most; ++i) some.push_back(all.at(i * all.size() / most));
  return some;
}

std::vector<job_id> submit_tasks(client& at, const std::vector<task>& tasks) {
  std::vector<job_id> jobs;
  for (const auto& each : tasks) jobs.push_back(submit(at, each.question));
  return jobs;
}

tally wait_tasks(client& at, const std::vector<task>& tasks, const std::vector<job_id>& jobs,
                 std::chrono::milliseconds limit) {
  tally result;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    try {
      auto end = wait_end(at, jobs[i], limit);
      ++result.ended;
      if (end.state == "done") ++result.done;
      if (end.state == "done" && end.answer == tasks[i].answer) {
        ++result.right;
        continue;
      }
      result.others +=
          tasks[i].question + " -> " + end.state + ' ' + end.answer + ' ' + end.reason + '\n';
    } catch (const std::exception& e) {
      result.others += tasks[i].question + " -> " + e.what() + '\n';
    }
  }
  return result;
}

tally run_tasks(client& at, const std::vector<task>& tasks, std::chrono::milliseconds limit) {
  return wait_tasks(at, tasks, submit_tasks(at, tasks), limit);
}

}  // namespace tandem::test
