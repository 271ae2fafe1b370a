#pragma once

#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/planner/planner.hpp"
#include "actors/replication/replicas.hpp"
#include "nodes/node/wiring.hpp"
#include "storage/journal.hpp"

namespace tandem {

/// What a planner of this journal begins with.
[[nodiscard]] caf::expected<planner_start> read_start(const storage::journal& store,
                                                      const node_config& config);

/// Opens a copy as the journal that this node is now the primary of, and has the supervisor start
/// its actors. Blocks: for detached actors.
[[nodiscard]] caf::error host_journal(const node_parts& parts, caf::actor_system& system,
                                      const led_journal& taken);

}  // namespace tandem
