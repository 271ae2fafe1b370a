#pragma once

#include <cstdint>
#include <vector>

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One running job, at the home of its journal.
using job_actor = caf::typed_actor<
    // From the engine that writes its plan.
    caf::reacts_to<chunk_atom, tmsg::chunk>,
    // Answers when something newer is durable, or at the end.
    caf::replies_to<follow_atom, tmsg::follow>::with<tmsg::events>,
    caf::replies_to<view_atom, tmsg::jobref>::with<tmsg::jobview>,
    // Answers when the change is durable.
    caf::replies_to<command_atom, tmsg::jobcmd>::with<tmsg::jobsum>,
    caf::replies_to<feedback_atom, tmsg::feedbk>::with<tmsg::jobsum>,
    // From the planner: the deadline has passed.
    caf::reacts_to<expire_atom>,
    // To itself: try again after back-pressure.
    caf::reacts_to<wake_atom>,
    // The pool was started anew.
    caf::reacts_to<wire_atom, executor_pool_actor>>;

/// Who started the job and is told, once, that its actor is done: the job has ended, or was paused
/// and is at rest. Before, which weight version the job stays with, of each model that it uses; no
/// model: it has ended, and needs none.
using job_owner = caf::typed_actor<caf::reacts_to<ended_atom, std::uint64_t, tmsg::jobsum>,
                                   caf::reacts_to<add_atom, tmsg::wtpin>>;

}  // namespace tandem
