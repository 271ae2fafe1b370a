#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// An executor pool, to the shards of all nodes.
using cache_asker = caf::typed_actor<
    // The answer to a query or a leave, by its id. After `wait` another one comes.
    caf::reacts_to<cache_atom, tmsg::cachrep>,
    // From the first shard of its own node: what counts as gone in the pool's memory too.
    caf::reacts_to<purge_atom, tmsg::cachprg>>;

/// Keeps a part of the cluster's answers: memory (L2), disk (L3), and who computes what is not
/// there. All but commands are messages without replies of CAF's: a node that dies answers nothing,
/// and whoever asks learns of it from the mesh.
using cache_shard_actor = caf::typed_actor<
    // Answered to the sender, a cache_asker, at once. Whoever is told to `wait` hears again when
    // the computation is over, or is to take it over.
    caf::reacts_to<cache_atom, tmsg::cachqry>,
    // What was computed.
    caf::reacts_to<fill_atom, tmsg::cachent>,
    // Answered to the sender: `goOn` or `stop`.
    caf::reacts_to<leave_atom, tmsg::cachlv>, caf::reacts_to<label_atom, tmsg::planlbl>,
    caf::reacts_to<purge_atom, tmsg::cachprg>,
    // Statistics of this shard; `purge` of this shard and its node's pool.
    caf::replies_to<cache_atom, tmsg::cachcmd>::with<tmsg::cachrpt>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::cache_asker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::cache_shard_actor)
