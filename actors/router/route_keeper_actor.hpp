#pragma once

#include <cstdint>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"
#include "storage/route_store.hpp"

namespace tandem {

/// Newest first. Stays within the process.
struct route_changes {
  std::vector<tmsg::rtchg> changes;
};

/// Writes down what this node's router learns and decides, and reads it for those who must not wait
/// for a disk. Batches are written in the order in which they come; what a failing disk refuses is
/// kept and tried again with the next one.
using route_keeper_actor =
    caf::typed_actor<caf::reacts_to<write_atom, storage::route_batch>,
                     // Everything for a start, with the newest so many decisions.
                     caf::replies_to<load_atom, std::uint64_t>::with<storage::route_memory>,
                     // The decision of this id; `not_found`, `corrupted`. What was sent before is
                     // seen, unless the disk refused it.
                     caf::replies_to<find_atom, std::uint64_t>::with<tmsg::decrec>,
                     // A page for `export`: `decisions` behind this id (0: from the oldest) in the
                     // order of their arrival, at most as many (0: the most) and 256 KiB, and
                     // `more`; nothing else is set.
                     caf::replies_to<list_atom, std::uint64_t, std::uint32_t>::with<tmsg::rtrep>,
                     // Changes of the setting, at most as many.
                     caf::replies_to<list_atom, std::uint32_t>::with<route_changes>,
                     caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::storage::route_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::storage::route_memory)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::route_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::route_keeper_actor)
