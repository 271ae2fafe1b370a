#pragma once

#include <vector>

#include <caf/actor.hpp>
#include <caf/type_id.hpp>

#include "schema/types.hpp"

namespace tandem {

/// The actors of a node that other nodes talk to. They travel with a Hello; null: the node has
/// none. All of them live and die with their node: whoever follows the mesh is told.
struct peer_handles {
  caf::actor supervisor;
  caf::actor mesh;
  caf::actor exchange;
  caf::actor front;
  caf::actor replicas;
  caf::actor router;
  /// In the order of their numbers, which never changes.
  std::vector<caf::actor> cache_shards;
  caf::actor weight_sync;
  caf::actor gateway;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peer_handles& x) {
  return f(x.supervisor, x.mesh, x.exchange, x.front, x.replicas, x.router, x.cache_shards,
           x.weight_sync, x.gateway);
}

}  // namespace tandem

// What travels beside payloads. Append only: numbers are the wire format.
CAF_BEGIN_TYPE_ID_BLOCK(tandem_mesh, 320)
CAF_ADD_TYPE_ID(tandem_mesh, (tandem::peer_handles))
CAF_END_TYPE_ID_BLOCK(tandem_mesh)
