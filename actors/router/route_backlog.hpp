#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/route_store.hpp"

namespace tandem {

/// Batches that could not be written yet, as one: of what has the same key the later is kept.
/// Beyond `decisions_max` the oldest decisions leave, and are then forgotten on the disk too: one
/// that stood there without the reward that the statistics have counted would let it count again.
/// Changes beyond changes_max are lost, oldest first. Value type, one thread.
class route_backlog {
 public:
  static constexpr std::size_t changes_max = 1'000;
  static constexpr std::size_t forgotten_max = 1'000'000;

  explicit route_backlog(std::size_t decisions_max) : decisions_max_{decisions_max} {}

  void add(const storage::route_batch& later);
  [[nodiscard]] const storage::route_batch& batch() const { return batch_; }
  [[nodiscard]] bool empty() const { return batch_.empty(); }
  void clear() { batch_ = {}; }
  /// Decisions and changes that were given up, ever.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void trim();

  std::size_t decisions_max_;
  storage::route_batch batch_;
  std::uint64_t lost_ = 0;
};

}  // namespace tandem
