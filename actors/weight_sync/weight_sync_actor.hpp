#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One a node: its versions of weights, and which of them its engines serve.
using weight_sync_actor = caf::typed_actor<
    // `tandem weights`, see WeightCommand. `add`, `fetch` are answered when it is done; `roll` when
    // it has begun; `status` as soon as something is newer than what the asker has seen.
    caf::replies_to<weight_atom, tmsg::wtcmd>::with<tmsg::wtrep>,
    // From the same actor of another node.
    caf::reacts_to<weight_atom, tmsg::wtnews>, caf::reacts_to<order_atom, tmsg::wtorder>,
    caf::reacts_to<order_atom, tmsg::wtoutcm>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
