#pragma once

#include "actors/job/job_machine.hpp"
#include "actors/router/router_config.hpp"
#include "config/node_config.hpp"

namespace tandem {

/// What a node's actors are started with, from all that the node is told.
[[nodiscard]] job_settings make_job_settings(const node_config& config);
[[nodiscard]] router_config make_router_config(const node_config& config);

}  // namespace tandem
