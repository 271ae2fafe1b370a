#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/journal/journal_actor.hpp"

namespace tandem {

/// A follower's writer of one journal, as its primary sees it.
using replica_writer_actor = caf::typed_actor<
    // A write, or a piece of one.
    caf::reacts_to<replica_atom, tmsg::repwrite>,
    // By the primary: what it has is another past, or too old: it fetches a snapshot.
    caf::reacts_to<load_atom, tmsg::repack>,
    // Within the node: follow this primary from now on; of this epoch at least.
    caf::reacts_to<follow_atom, caf::actor, std::uint64_t>,
    // Within the node: stop following and close the folder, for it to be hosted in this epoch.
    // Answers its copy's id; `not_found` when it has no copy.
    caf::replies_to<host_atom, std::uint64_t>::with<std::uint64_t>,
    // To itself: applies what has gathered.
    caf::reacts_to<commit_atom>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// The committer of a journal that has copies: a journal_actor that answers a write when the
/// in-sync copies have it too, in order. Stops for good with `conflict` when it is fenced.
using replicated_journal_actor = journal_actor::extend<
    // A follower says how far it is; who sends it first joins.
    caf::reacts_to<replica_atom, tmsg::repack>,
    // The next part of a snapshot.
    caf::replies_to<replica_atom, tmsg::repqry>::with<tmsg::repchnk>,
    // Within the node: the copy of this id is lost.
    caf::reacts_to<gone_atom, std::uint64_t>,
    // Within the node: the register shows this epoch, or the lease is lost (0).
    caf::reacts_to<expire_atom, std::uint64_t>,
    // To itself: the register has answered (replica_set::outcome); time has passed.
    caf::reacts_to<done_atom, std::uint8_t>, caf::reacts_to<wake_atom>>;

}  // namespace tandem
