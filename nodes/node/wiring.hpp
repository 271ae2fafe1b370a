#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/archive/archive_actor.hpp"
#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/journal/journal_actor.hpp"
#include "actors/planner/planner.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "config/node_config.hpp"
#include "storage/journal.hpp"

namespace tandem {

/// The node's actors as they are now. Touched by the supervisor alone, once it runs.
struct node_actors {
  journal_actor journal;
  archive_actor archive;
  router_actor router;
  std::vector<engine_inside> engines;
  executor_pool_inside pool;
  planner_inside planner;
};

/// What every actor of the node is made from, in the order in which they start. The one place where
/// a node's objects are put together.
[[nodiscard]] std::vector<child_spec> wire_node(const node_config& config,
                                                std::shared_ptr<storage::journal> store,
                                                const planner_start& start,
                                                std::uint64_t incarnation,
                                                std::shared_ptr<node_actors> actors);

}  // namespace tandem
