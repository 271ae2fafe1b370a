#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "schema/job.capnp.h"

namespace tandem::bench {

struct task {
  int operations = 0;
  std::string question;
  std::string answer;
};

struct tier_tokens {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
};

struct outcome_of_task {
  bool right = false;
  std::int64_t cost_nanousd = 0;
  std::int64_t cost_all_large_nanousd = 0;
  tier_tokens large;
  tier_tokens small;
};

/// Lines as in tests/data/tasks.jsonl; exits when the file cannot be read.
[[nodiscard]] std::vector<task> read_tasks(const std::filesystem::path& file);

/// Asks a node with the embedded models of config/embedded.toml, a few at once, and waits for all.
[[nodiscard]] std::vector<outcome_of_task> ask_all(const std::vector<task>& tasks,
                                                   schema::PlanMode mode, std::string_view policy);

}  // namespace tandem::bench
