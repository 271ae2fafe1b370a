#include "nodes/node/door_parts.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

namespace tandem {

void meet_gateway(const node_actors& actors) {
  if (!actors.gateway) return;
  if (actors.pool)
    caf::anon_send(actors.gateway, wire_atom_v, caf::actor_cast<executor_pool_actor>(actors.pool));
  if (actors.front)
    caf::anon_send(actors.gateway, wire_atom_v, caf::actor_cast<planner_actor>(actors.front));
}

child_spec gateway_child(const node_parts& parts) {
  return {.name = "gateway",
          .kind = "gateway",
          .spawn = [box = parts.gateway, actors = parts.actors](caf::actor_system& system) {
            actors->gateway = system.spawn(gateway_behavior);
            meet_gateway(*actors);
            if (actors->supervisor)
              caf::anon_send(actors->gateway, wire_atom_v,
                             caf::actor_cast<supervisor_actor>(actors->supervisor));
            box->set(actors->gateway);
            return caf::actor_cast<caf::actor>(actors->gateway);
          }};
}

child_spec keys_child(const node_parts& parts) {
  return {.name = "keys",
          .kind = "keys",
          .spawn =
              [office = parts.keys, actors = parts.actors](caf::actor_system& system) {
                actors->keys = system.spawn<caf::detached>(key_keeper_behavior, office);
                return caf::actor_cast<caf::actor>(actors->keys);
              },
          .announce =
              [actors = parts.actors] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->keys));
              }};
}

}  // namespace tandem
