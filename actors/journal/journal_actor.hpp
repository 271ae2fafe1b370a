#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/journal.capnp.h"
#include "schema/types.hpp"

namespace tandem {

using job_record = message<schema::JobRecord>;

/// What one job writes at once: all of it becomes durable together. Stays within the process.
struct journal_write {
  /// The job's number in this journal.
  std::uint64_t job = 0;
  /// Number of the first record; the others follow without gaps.
  std::uint32_t first = 0;
  std::vector<job_record> records;
  /// Replaces the job's line in lists.
  tmsg::jobsum summary;
  /// The job is unfinished from now on, or has ended.
  enum class mark : std::uint8_t { none, open, close } mark = mark::none;
  /// Names the job from now on; empty: none.
  std::string tenant;
  std::string client_key;
  /// Spent by `tenant` with what these records tell; zeros: nothing that is kept account of.
  std::uint64_t spent_tokens = 0;
  std::int64_t spent_nanousd = 0;
  std::uint64_t spent_at_ms = 0;
};

/// The committer: the only actor that writes to the disk. It drains its mailbox into one batch and
/// one sync.
using journal_actor = caf::typed_actor<
    // Answered when the write is as durable as configured, in the order in which writes came;
    // `storage_failed` or `corrupted` when it is not, after which the journal writes nothing more.
    caf::replies_to<write_atom, journal_write>::with<caf::ok_atom>,
    // To itself: commits what has gathered.
    caf::reacts_to<commit_atom>,
    // Removes all that is known of an ended job; answers the bytes of its records.
    caf::replies_to<purge_atom, std::uint64_t>::with<std::uint64_t>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::journal_write)
