#pragma once

#include <cstdint>

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/mesh/peer_handles.hpp"
#include "actors/planner/planner_actor.hpp"

namespace tandem {

/// What the front of another node may ask: `node` before the words of a client. It is answered from
/// the journals that are open on this node and never passed on, so that nodes with different views
/// cannot send a request in circles. `unavailable`: the journal is not open here.
using front_peer = caf::typed_actor<
    // Without a client key.
    caf::replies_to<node_atom, submit_atom, tmsg::submit>::with<tmsg::submitd>,
    caf::replies_to<node_atom, wait_atom, tmsg::jobref>::with<tmsg::jobsum>,
    caf::replies_to<node_atom, summary_atom, tmsg::jobref>::with<tmsg::jobsum>,
    caf::replies_to<node_atom, view_atom, tmsg::jobref>::with<tmsg::jobview>,
    caf::replies_to<node_atom, follow_atom, tmsg::follow>::with<tmsg::events>,
    caf::replies_to<node_atom, result_atom, tmsg::resqry>::with<tmsg::reschnk>,
    caf::replies_to<node_atom, command_atom, tmsg::jobcmd>::with<tmsg::jobsum>,
    caf::replies_to<node_atom, feedback_atom, tmsg::feedbk>::with<tmsg::jobsum>,
    caf::replies_to<node_atom, purge_atom, tmsg::purge>::with<tmsg::purged>,
    // Of one journal.
    caf::replies_to<node_atom, list_atom, std::uint64_t, tmsg::jobqry>::with<tmsg::joblist>,
    caf::replies_to<node_atom, cost_atom, std::uint64_t, tmsg::costqry>::with<tmsg::costrep>,
    caf::replies_to<node_atom, purge_atom, std::uint64_t, tmsg::purge>::with<tmsg::purged>,
    // A submission with a client key: accept it for the journal that is named.
    caf::replies_to<node_atom, submit_atom, tmsg::keyqry>::with<tmsg::keyrep>,
    // Whether that journal has the key.
    caf::replies_to<node_atom, find_atom, tmsg::keyqry>::with<tmsg::keyrep>>;

/// One a node: what clients know as the planner. A request goes to the journal that it is about,
/// wherever that is open; a submission to a planner that takes it.
using front_actor = front_peer::extend_with<planner_actor>::extend<
    // From the mesh: see member_listener.
    caf::reacts_to<member_atom, tmsg::member, peer_handles>,
    // From the supervisor: this journal is open on this node now, and is not any more.
    caf::reacts_to<wire_atom, std::uint64_t, planner_actor>,
    caf::reacts_to<gone_atom, std::uint64_t>,
    // Whether this node drains: new jobs without a client key go elsewhere.
    caf::reacts_to<drain_atom, bool>>;

}  // namespace tandem
