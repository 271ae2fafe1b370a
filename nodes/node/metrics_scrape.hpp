#pragma once

#include <functional>
#include <string>

#include <caf/actor_system.hpp>

#include "nodes/node/wiring.hpp"

namespace tandem {

/// Asks the node's actors for what the metrics page shows, and gives the page to `done`, on a
/// thread of its own: reading databases' figures and writing the page take milliseconds. What does
/// not answer in time is left out.
void scrape_metrics(caf::actor_system& system, const node_parts& parts,
                    const supervisor_actor& supervisor, std::function<void(std::string)> done);

}  // namespace tandem
