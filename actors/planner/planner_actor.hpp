#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Accepts jobs and answers for them: the one whom clients talk to.
using planner_actor = caf::typed_actor<
    // Acknowledged once the journal has it. `invalid_argument`: what is wrong with the goal;
    // `conflict`: the client key names another goal; `overloaded`: jobs.queued_max wait already.
    caf::replies_to<submit_atom, tmsg::submit>::with<tmsg::submitd>,
    // When the job has ended (at once when it has already).
    caf::replies_to<wait_atom, tmsg::jobref>::with<tmsg::jobsum>,
    caf::replies_to<summary_atom, tmsg::jobref>::with<tmsg::jobsum>,
    caf::replies_to<view_atom, tmsg::jobref>::with<tmsg::jobview>,
    caf::replies_to<list_atom, tmsg::jobqry>::with<tmsg::joblist>,
    // What jobs have cost, a part at a time: see cost.capnp.
    caf::replies_to<cost_atom, tmsg::costqry>::with<tmsg::costrep>,
    // When there is something newer, or the job has ended.
    caf::replies_to<follow_atom, tmsg::follow>::with<tmsg::events>,
    caf::replies_to<result_atom, tmsg::resqry>::with<tmsg::reschnk>,
    caf::replies_to<command_atom, tmsg::jobcmd>::with<tmsg::jobsum>,
    caf::replies_to<feedback_atom, tmsg::feedbk>::with<tmsg::jobsum>,
    // Only jobs that have ended.
    caf::replies_to<purge_atom, tmsg::purge>::with<tmsg::purged>,
    // The job that the submission's client key names already, once it is durable; number 0: none.
    // `conflict`: the key names another goal.
    caf::replies_to<find_atom, tmsg::submit>::with<tmsg::submitd>,
    // From weight_sync: a model alone. How many running jobs stay with which version of it.
    // `invalid_argument`: it names something else.
    caf::replies_to<pin_atom, tmsg::wtpin>::with<tmsg::wtoutcm>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
