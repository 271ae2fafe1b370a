#pragma once

#include <cstdint>

#include <caf/actor.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One a node: which journals it keeps copies of, and who keeps copies of its own.
using replicas_actor = caf::typed_actor<
    // From the same actor of another node, again and again: this committer is the primary of a
    // journal in an epoch, and asks for a copy here.
    caf::reacts_to<follow_atom, std::uint64_t, std::uint64_t, caf::actor>,
    // From the mesh: see member_listener.
    caf::reacts_to<member_atom, tmsg::member, peer_handles>,
    // Within the node: the committer of a journal that this node is the primary of, and its epoch.
    caf::reacts_to<wire_atom, std::uint64_t, std::uint64_t, caf::actor>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
