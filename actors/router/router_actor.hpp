#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/engine/engine_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Decides which model takes a call and which engine of that model.
using router_actor = caf::typed_actor<
    // `unavailable` when no engine can take it now, `invalid_argument` when none ever could.
    caf::replies_to<route_atom, tmsg::rtqry>::with<tmsg::decisn, engine_actor>,
    // How a decision turned out; also ends the engine's share of the load that the router counts.
    caf::reacts_to<reward_atom, tmsg::reward>,
    // From an engine, at its start and whenever its health, weights or limits change.
    caf::reacts_to<engine_atom, tmsg::engstat, engine_actor>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_actor)
