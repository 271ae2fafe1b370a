#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What nodes of different releases may say to each other; a node of another number is refused.
inline constexpr std::uint32_t protocol_version = 5;

/// Within a node: follows the membership. Told of every other member once when it is wired, then of
/// each change; with the handles while the member is alive or suspect, with none once it is gone or
/// has left. A node that comes back has another incarnation: first the old one is told as gone.
using member_listener = caf::typed_actor<caf::reacts_to<member_atom, tmsg::member, peer_handles>>;

/// One a node: who else is there.
using mesh_actor = caf::typed_actor<
    // From another node, through its supervisor. `conflict`: another cluster, another protocol, or
    // a living node of the same name; both sides are named.
    caf::replies_to<hello_atom, tmsg::hello, peer_handles>::with<tmsg::hello, peer_handles>,
    caf::reacts_to<pulse_atom, tmsg::pulse>,
    // What another node knows of the members.
    caf::reacts_to<member_atom, tmsg::memlist>,
    // Another node says good-bye.
    caf::reacts_to<leave_atom, tmsg::member>,
    // Within the node: all members, this one first.
    caf::replies_to<member_atom>::with<tmsg::memlist>,
    // This node's own journals, draining and certificate, where they change.
    caf::reacts_to<node_atom, tmsg::member>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
