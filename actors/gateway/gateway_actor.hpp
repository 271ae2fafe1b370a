#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One a node with `[http] listen`: its front door, and its copy of the cluster's API keys.
using gateway_actor = caf::typed_actor<
    // `tandem keys`, see KeyCommand; what was made or revoked is on disk when it is answered.
    caf::replies_to<key_atom, tmsg::keycmd>::with<tmsg::keyrpt>,
    // From the same actor of another node: entries that it has. What is new here goes on to others.
    caf::reacts_to<key_atom, tmsg::keynews>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
