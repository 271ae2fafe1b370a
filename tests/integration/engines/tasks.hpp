#pragma once

#include <string>
#include <vector>

#include "tests/support/node_client.hpp"

namespace tandem::test {

/// A question of tests/data/tasks.jsonl with its answer.
struct task {
  std::string question;
  std::string answer;
};

/// All 300, or an even choice of `most` of them.
[[nodiscard]] std::vector<task> read_tasks(std::size_t most = 300);

/// How jobs came out; `others` are words for a person.
struct tally {
  std::size_t right = 0;
  std::size_t done = 0;
  std::size_t ended = 0;
  std::string others;
};

/// Submits all of them and waits for their ends; each within `limit`.
[[nodiscard]] tally run_tasks(client& at, const std::vector<task>& tasks,
                              std::chrono::milliseconds limit = std::chrono::minutes{4});
[[nodiscard]] std::vector<job_id> submit_tasks(client& at, const std::vector<task>& tasks);
[[nodiscard]] tally wait_tasks(client& at, const std::vector<task>& tasks,
                               const std::vector<job_id>& jobs,
                               std::chrono::milliseconds limit = std::chrono::minutes{4});

}  // namespace tandem::test
