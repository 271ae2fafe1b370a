#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/router/route_backlog.hpp"
#include "actors/router/route_keeper_actor.hpp"

namespace tandem {

/// Spawn it detached: it waits for the disk. Another
/// one may be spawned on the same store when it has died; what was in its backlog is lost.
struct route_keeper_state {
  static constexpr const char* name = "route_keeper";

  std::shared_ptr<storage::route_store> store;
  route_backlog backlog{0};
  std::uint64_t written = 0;
  /// Writes that failed, and batches that were no good, ever.
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
  /// Of the last write; empty: it was good.
  std::string last_error;

  void write(const storage::route_batch& batch);
  [[nodiscard]] caf::expected<tmsg::rtrep> page(std::uint64_t after, std::uint32_t limit) const;

 private:
  void note(const caf::error& err);
};

/// `decisions_max`: of decisions that wait for a disk that fails. `store` may be null, where no
/// folder could be opened: then nothing is kept, and `why` is said in the status.
[[nodiscard]] route_keeper_actor::behavior_type route_keeper_behavior(
    route_keeper_actor::stateful_pointer<route_keeper_state> self,
    std::shared_ptr<storage::route_store> store, std::size_t decisions_max, const std::string& why);

}  // namespace tandem
