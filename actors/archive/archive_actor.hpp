#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/journal/journal_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// All records of one job, in order; empty: the journal does not know it. Stays within the process.
struct job_history {
  std::uint64_t job = 0;
  std::vector<job_record> records;
};

struct job_numbers {
  std::vector<std::uint64_t> numbers;
};

/// Reads the journal for those who must not wait for a disk. Each answer is from what is durable.
using archive_actor =
    caf::typed_actor<caf::replies_to<load_atom, std::uint64_t>::with<job_history>,
                     // Unfinished jobs, oldest first.
                     caf::replies_to<open_atom>::with<job_numbers>,
                     // The lowest number never used.
                     caf::replies_to<find_atom>::with<std::uint64_t>,
                     // The job that a client key names; 0: none.
                     caf::replies_to<find_atom, std::string, std::string>::with<std::uint64_t>,
                     // Ended before this Unix time (ms), oldest first, at most as many.
                     caf::replies_to<expired_atom, std::uint64_t, std::uint32_t>::with<job_numbers>,
                     caf::replies_to<list_atom, tmsg::jobqry>::with<tmsg::joblist>,
                     // One part of what was spent; see cost_scan.hpp.
                     caf::replies_to<cost_atom, tmsg::costqry>::with<tmsg::costrep>,
                     caf::replies_to<view_atom, tmsg::jobref>::with<tmsg::jobview>,
                     caf::replies_to<summary_atom, tmsg::jobref>::with<tmsg::jobsum>,
                     // The job's line in lists as it was last written.
                     caf::replies_to<summary_atom, std::uint64_t>::with<tmsg::jobsum>,
                     caf::replies_to<follow_atom, tmsg::follow>::with<tmsg::events>,
                     caf::replies_to<result_atom, tmsg::resqry>::with<tmsg::reschnk>,
                     caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::job_history)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::job_numbers)
