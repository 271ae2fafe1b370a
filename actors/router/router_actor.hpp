#pragma once

#include <cstdint>
#include <string>

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

/// Follows the engines of this node: all that there are once when it is wired, then each change.
using engine_listener = caf::typed_actor<
    // An engine is there, or its health, weights or limits have changed.
    caf::reacts_to<engine_atom, tmsg::engstat, engine_actor>,
    // The engine of this name has died; a new one may come.
    caf::reacts_to<gone_atom, std::string>,
    // About how many attempts of this node's own are at the engine of this name.
    caf::reacts_to<load_atom, std::string, std::uint32_t>>;

/// What the exchange of its node says to it besides.
using router_inside = router_actor::extend<
    // An engine of another node, which `engine` (the exchange) stands for: concurrency is what this
    // node may have there at once.
    caf::reacts_to<offer_atom, tmsg::engstat, engine_actor>,
    // The engine of this name is lost: nothing is sent there from now on.
    caf::reacts_to<gone_atom, std::string>, caf::reacts_to<wire_atom, engine_listener>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_listener)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::router_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::router_inside)
