#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem::fault {

/// One thing that is done to a cluster. What makes no sense at its moment, such as starting a node
/// that runs, is left out.
struct cluster_action {
  enum class what : std::uint8_t {
    kill,
    /// SIGTERM: it says good-bye.
    stop,
    start,
    pause,
    resume,
    /// Drops what `node` sends to `other`.
    cut,
    heal,
  };
  /// What a node is when it is started.
  enum class program : std::uint8_t {
    plain,
    /// A kill loses what was not synced.
    unsynced,
    /// Its disk fails after `passing` operations.
    disk_fault,
  };

  std::chrono::milliseconds at{0};
  what kind = what::kill;
  std::size_t node = 0;
  std::size_t other = 0;
  program as = program::plain;
  /// It comes back at another address.
  bool moved = false;
  unsigned passing = 0;
};

struct cluster_schedule {
  /// In order of time.
  std::vector<cluster_action> actions;
  /// In words, with times in ms.
  std::string story;
};

constexpr unsigned cluster_fault_kinds = 13;

/// The same seed gives the same schedule. `cuts`: the network can be cut.
[[nodiscard]] cluster_schedule make_cluster_schedule(std::uint64_t seed, std::size_t nodes,
                                                     bool cuts);

/// As the story words it.
[[nodiscard]] std::string to_string(const cluster_action& action);

}  // namespace tandem::fault
