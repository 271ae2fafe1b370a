#pragma once

#include <memory>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/archive/archive_actor.hpp"
#include "actors/archive/job_query.hpp"
#include "actors/job/job_state.hpp"
#include "storage/journal.hpp"

namespace tandem {

/// Spawn it detached: it reads from the disk.
struct archive_state {
  static constexpr const char* name = "archive";

  std::shared_ptr<const storage::journal> store;
  plan::limits limits;
  std::uint64_t handled = 0;

  [[nodiscard]] caf::expected<job_history> load(std::uint64_t job) const;
  /// The job's state as its records tell it; `not_found` when the journal does not know it or holds
  /// another id.
  [[nodiscard]] caf::expected<std::unique_ptr<job_state>> state_of(schema::JobId::Reader job) const;
  /// The job's line in lists as it was last written. `not_found`, `corrupted`.
  [[nodiscard]] caf::expected<tmsg::jobsum> line(std::uint64_t job) const;
  /// What is still known of an ended job whose records cannot be read; `why` when that is nothing,
  /// or `why` is something else.
  [[nodiscard]] caf::expected<tmsg::jobsum> line_of_unreadable(schema::JobId::Reader job,
                                                               const caf::error& why) const;
  [[nodiscard]] caf::expected<tmsg::joblist> list(schema::JobQuery::Reader query) const;
  [[nodiscard]] caf::expected<job_numbers> expired(std::uint64_t before_ms,
                                                   std::uint32_t max) const;
};

[[nodiscard]] archive_actor::behavior_type archive_behavior(
    archive_actor::stateful_pointer<archive_state> self,
    std::shared_ptr<const storage::journal> store, const plan::limits& limits);

}  // namespace tandem
