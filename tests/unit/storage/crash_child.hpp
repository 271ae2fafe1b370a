#pragma once

#include <cstdint>
#include <filesystem>

#include "storage/journal.hpp"

namespace tandem::storage {

/// What a process does before it is killed with SIGKILL: opens the journal and commits `commits`
/// records of `record_bytes` each, record n to job n, saying which were acknowledged.
struct crash_plan {
  std::filesystem::path folder;
  durability level = durability::sync;
  /// Whether what was not synced is lost, as in a power cut.
  bool hold_unsynced = false;
  std::uint64_t commits = 0;
  std::size_t record_bytes = 0;
  std::size_t memory_bytes_max = 48u << 20;
};

/// The record that the child writes as number 1 of `job`.
[[nodiscard]] std::string crash_record(std::uint64_t job, std::size_t record_bytes);

/// Runs the plan in a process of its own to its death; returns the last acknowledged job.
[[nodiscard]] std::uint64_t run_until_killed(const crash_plan& plan);

[[nodiscard]] bool is_crash_child(int argc, char** argv);
int run_crash_child(char** argv);

}  // namespace tandem::storage
