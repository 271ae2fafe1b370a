#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/ids.hpp"

namespace tandem::fault {

struct journal_account {
  /// What a sound journal never holds; empty: all promises were kept.
  std::vector<std::string> broken;
  std::uint64_t jobs = 0;
  std::uint64_t records = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  /// The client keys of its jobs.
  std::set<std::string> keys;
};

/// Reads every record of a journal's folder, which no node has open, and holds them against what
/// clients were told: each acknowledged key has its job and no job lacks its key; a job has one
/// `submitted` at its start, one `ended` at its end and no gap between; no step is done twice or
/// tried again once it is done; no attempt number is used twice; a failure is one that the
/// simulated engines made. `without_key`: acknowledged jobs that have none; of others without a key
/// nothing is known.
[[nodiscard]] journal_account check_journal(const std::filesystem::path& folder,
                                            const std::map<std::string, job_id>& acknowledged,
                                            const std::vector<job_id>& without_key = {});

}  // namespace tandem::fault
