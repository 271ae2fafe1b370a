#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/engine/engine_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Carries out attempts: admission and priority queue, then route → engine → verify → reply.
using executor_pool_actor = caf::typed_actor<
    // Always answered with a result, errors inside it: `overloaded` when the queue is full,
    // `unavailable` when no engine can take it, `deadline_exceeded` after the attempt's own
    // timeout.
    caf::replies_to<attempt_atom, tmsg::attempt, chunk_sink>::with<tmsg::attres>,
    // From a job: how a decision turned out, for the router.
    caf::reacts_to<reward_atom, tmsg::reward>,
    // `tandem cache`: of all nodes that answer in time.
    caf::replies_to<cache_atom, tmsg::cachcmd>::with<tmsg::cachrpt>,
    // Nobody waits for this attempt any more.
    caf::reacts_to<cancel_atom, tmsg::cancel>,
    // To itself: some attempt's time is up.
    caf::reacts_to<expire_atom>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// Another node's supervisor, as far as it answers for its pool.
using cache_reporter =
    caf::typed_actor<caf::replies_to<cache_atom, tmsg::cachcmd>::with<tmsg::cachrpt>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::executor_pool_actor)
