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

  using pointer = router_inside::stateful_pointer<router_state>;

  struct known_engine {
    engine_actor handle;
    tmsg::engstat status;
    bool remote = false;
    /// What the listener was told.
    std::uint32_t load_told = 0;
  };

  std::unique_ptr<route_table> table;
  std::map<std::string, known_engine, std::less<>> engines;
  /// Null: nobody wants to know.
  engine_listener listener;

  void take(pointer self, const tmsg::engstat& status, const engine_actor& engine, bool remote);
  void forget(pointer self, std::string_view name);
  void tell_load(pointer self, std::string_view name);
};

/// `first_decision` keeps decision ids apart over restarts. Quits with `invalid_argument` on an
/// unknown policy.
[[nodiscard]] router_inside::behavior_type router_behavior(
    router_inside::stateful_pointer<router_state> self, const router_config& config,
    const std::vector<model_config>& models, std::uint64_t first_decision);

}  // namespace tandem
