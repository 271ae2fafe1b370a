#pragma once

#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "actors/planner/planner_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One a node, and the only actor that is published: whoever connects to a node speaks to this one
/// first.
using supervisor_actor = caf::typed_actor<
    // Every node of the cluster, this one first: what runs there and how it does.
    caf::replies_to<topo_atom>::with<tmsg::topo>,
    // This node alone.
    caf::replies_to<node_atom>::with<tmsg::nodstat>,
    // From another node's mesh to ours: see mesh_actor.
    caf::replies_to<hello_atom, tmsg::hello, peer_handles>::with<tmsg::hello, peer_handles>,
    // Asks one engine's server everything that can be asked, now; `not_found` names the engines.
    caf::replies_to<engine_atom, tmsg::engqry>::with<tmsg::engrep>,
    // A node of the cluster takes nothing new, finishes what it has, and leaves. Answered when that
    // has begun; `not_found` names the nodes.
    caf::replies_to<drain_atom, tmsg::drainqry>::with<caf::ok_atom>,
    // Adds, drains or removes an engine of this node; see engine_admin.
    caf::replies_to<engine_atom, tmsg::engcmd>::with<tmsg::engrep>,
    // To this node's router: see RouteCommand. `unavailable` on a node without one.
    caf::replies_to<route_atom, tmsg::rtcmd>::with<tmsg::rtrep>,
    // `tandem cache`: of all nodes.
    caf::replies_to<cache_atom, tmsg::cachcmd>::with<tmsg::cachrpt>,
    // `tandem weights`, of this node; see weight_sync_actor.
    caf::replies_to<weight_atom, tmsg::wtcmd>::with<tmsg::wtrep>,
    // `tandem keys`; see gateway_actor. `unavailable` on a node without a gateway.
    caf::replies_to<key_atom, tmsg::keycmd>::with<tmsg::keyrpt>,
    // Where jobs are submitted; `unavailable` on a node without the role.
    caf::replies_to<planner_atom>::with<planner_actor>>;

}  // namespace tandem

// Handles that travel. Append only: numbers are the wire format.
CAF_BEGIN_TYPE_ID_BLOCK(tandem_handles, 300)
CAF_ADD_TYPE_ID(tandem_handles, (tandem::planner_actor))
CAF_END_TYPE_ID_BLOCK(tandem_handles)
