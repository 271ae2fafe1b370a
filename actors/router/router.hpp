#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/router/route_table.hpp"
#include "actors/router/router_actor.hpp"

namespace tandem {

struct router_state {
  static constexpr const char* name = "router";

  std::unique_ptr<route_table> table;
  std::map<std::string, engine_actor, std::less<>> engines;
};

/// `first_decision` keeps decision ids apart over restarts. Quits with `invalid_argument` on an
/// unknown policy.
[[nodiscard]] router_actor::behavior_type router_behavior(
    router_actor::stateful_pointer<router_state> self, const router_config& config,
    const std::vector<model_config>& models, std::uint64_t first_decision);

}  // namespace tandem
