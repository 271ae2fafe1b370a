#pragma once

#include <cstdint>
#include <string>

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/engine/engine_actor.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "actors/router/route_keeper_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Decides which model takes a call and which engine of that model.
using router_actor = caf::typed_actor<
    // The attempt is what is routed; the query says where it may go this time. `unavailable` when
    // no engine can take it now, `invalid_argument` when none ever could.
    caf::replies_to<route_atom, tmsg::rtqry, tmsg::attempt>::with<tmsg::decisn, engine_actor>,
    // Which way a job goes: the decision's model is `plan_act`, `large` or `small`.
    caf::replies_to<way_atom, tmsg::attempt>::with<tmsg::decisn>,
    // How a decision turned out; `outcome` also ends the engine's share of the load that the router
    // counts.
    caf::reacts_to<reward_atom, tmsg::reward>,
    // `tandem route`: status, explain, try, promote, rollback, export. `not_found`: no such
    // decision; `conflict`, `invalid_argument` for a trial.
    caf::replies_to<route_atom, tmsg::rtcmd>::with<tmsg::rtrep>,
    // From an engine, at its start and whenever its health, weights or limits change.
    caf::reacts_to<engine_atom, tmsg::engstat, engine_actor>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// From the routers of other nodes.
using router_peer = caf::typed_actor<
    // What one origin has learned of one arm; replaces what it said before.
    caf::reacts_to<learned_atom, tmsg::armstat>,
    // Which policy acts and which is tried since its last change; the newest counts everywhere.
    caf::reacts_to<learned_atom, tmsg::rtchg>>;

/// Follows the engines of this node: all that there are once when it is wired, then each change.
using engine_listener = caf::typed_actor<
    // An engine is there, or its health, weights or limits have changed.
    caf::reacts_to<engine_atom, tmsg::engstat, engine_actor>,
    // The engine of this name has died; a new one may come.
    caf::reacts_to<gone_atom, std::string>,
    // About how many attempts of this node's own are at the engine of this name.
    caf::reacts_to<load_atom, std::string, std::uint32_t>>;

/// Warms the prefix caches of this node's engines: told of them as an engine_listener is.
using engine_warmer_actor =
    caf::typed_actor<caf::reacts_to<engine_atom, tmsg::engstat, engine_actor>,
                     caf::reacts_to<gone_atom, std::string>,
                     // From the exchange: another node's attempt goes to the engine of this name;
                     // and such a one was answered by an engine that had a part of its prompt.
                     caf::reacts_to<warm_atom, std::string, tmsg::attempt, tmsg::decisn>,
                     caf::reacts_to<warm_atom, std::string, tmsg::attres>>;

/// What the exchange, the mesh and the node itself say to it besides.
using router_inside = router_actor::extend<
    // An engine of another node, which `engine` (the exchange) stands for: concurrency is what this
    // node may have there at once.
    caf::reacts_to<offer_atom, tmsg::engstat, engine_actor>,
    // The engine of this name is lost: nothing is sent there from now on.
    caf::reacts_to<gone_atom, std::string>, caf::reacts_to<wire_atom, engine_listener>,
    caf::reacts_to<wire_atom, engine_warmer_actor>,
    // The decision's engine has read this call of purpose `warm`.
    caf::reacts_to<warm_atom, tmsg::attempt, tmsg::decisn>,
    caf::reacts_to<learned_atom, tmsg::armstat>, caf::reacts_to<learned_atom, tmsg::rtchg>,
    caf::reacts_to<member_atom, tmsg::member, peer_handles>,
    // The keeper is there, or was started anew.
    caf::reacts_to<wire_atom, route_keeper_actor>,
    // To itself: it is time to save and to share what was learned.
    caf::reacts_to<save_atom>,
    // To itself: the embedding that this call waits for is there (true), or it has waited enough.
    caf::reacts_to<embed_atom, std::uint64_t, bool>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_listener)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::engine_warmer_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::router_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::router_inside)
