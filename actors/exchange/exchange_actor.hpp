#pragma once

#include <cstdint>

#include <caf/error.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/engine/engine_actor.hpp"
#include "actors/mesh/mesh_actor.hpp"
#include "actors/router/router_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What exchanges say to each other. Payloads above one piece come as pieces before their header,
/// which then comes without them.
using exchange_peer = caf::typed_actor<
    caf::reacts_to<offer_atom, tmsg::offer>,
    caf::reacts_to<work_atom, tmsg::work, tmsg::decisn, tmsg::attempt>,
    caf::reacts_to<work_atom, tmsg::work, tmsg::decisn>,
    caf::reacts_to<chunk_atom, tmsg::workchnk, tmsg::chunk>,
    caf::reacts_to<chunk_atom, tmsg::workchnk>,
    caf::reacts_to<result_atom, tmsg::workres, tmsg::attres>,
    caf::reacts_to<result_atom, tmsg::workres>, caf::reacts_to<cancel_atom, tmsg::workcncl>,
    caf::reacts_to<piece_atom, tmsg::piece>, caf::reacts_to<receipt_atom, tmsg::receipt>>;

/// One a node: engines of one node serve all. To the router and pool of its node it is the engine
/// for every engine of every other node, which it registers as `name@node`.
using exchange_actor = exchange_peer::extend_with<engine_actor>::extend_with<member_listener>::
    extend_with<engine_listener>::extend_with<chunk_sink>::extend<
        // The router was started anew.
        caf::reacts_to<wire_atom, router_inside>,
        // Who warms this node's engines is there, or was started anew.
        caf::reacts_to<wire_atom, engine_warmer_actor>,
        // All engines of other nodes, as `name@node`, with credits and why they are not used.
        caf::replies_to<list_atom>::with<tmsg::offer>,
        // To itself: offers are due; some cancelled attempt is to be given up.
        caf::reacts_to<wake_atom>, caf::reacts_to<expire_atom>,
        // Of an engine of this node; or it has ended without a reply.
        caf::reacts_to<done_atom, std::uint64_t, tmsg::attres>,
        caf::reacts_to<done_atom, std::uint64_t, caf::error>>;

}  // namespace tandem
