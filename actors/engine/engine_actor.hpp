#pragma once

#include <cstdint>

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Whoever reads a text while it is written.
using chunk_sink = caf::typed_actor<caf::reacts_to<chunk_atom, tmsg::chunk>>;

/// One inference server, serving one model at one weight version.
using engine_actor = caf::typed_actor<
    // Carries out an attempt that the router's decision sent here. Errors of the engine come within
    // the reply, with what is known of the cost. With `stream` set, chunks go to the sink before
    // the reply.
    caf::replies_to<attempt_atom, tmsg::attempt, tmsg::decisn, chunk_sink>::with<tmsg::attres>,
    // Stops an attempt at the next token; its reply comes as `cancelled`. Unknown fences are
    // ignored.
    caf::reacts_to<cancel_atom, tmsg::cancel>, caf::replies_to<engine_atom>::with<tmsg::engstat>,
    // Asks its server everything that can be asked, once.
    caf::replies_to<engine_atom, tmsg::engqry>::with<tmsg::engrep>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// An engine of this node, as the one that changes its weights knows it.
using weight_engine = caf::typed_actor<
    // Takes it to other weights, see EngineUpdate. Answered when it serves them, or why it does
    // not.
    caf::replies_to<weight_atom, tmsg::engupd>::with<tmsg::engupdd>,
    caf::replies_to<engine_atom>::with<tmsg::engstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::chunk_sink)
