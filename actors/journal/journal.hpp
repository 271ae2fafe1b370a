#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/journal/journal_actor.hpp"
#include "actors/journal/journal_config.hpp"
#include "storage/journal.hpp"

namespace tandem {

class node_metrics;

/// What one write means for the store.
void add_write(storage::journal_batch& batch, const journal_write& write);
/// What it tells of jobs.
void count_write(node_metrics& to, const journal_write& write);

/// State of the committer. Spawn it detached: it blocks in fdatasync.
struct journal_state {
  static constexpr const char* name = "journal";

  std::shared_ptr<storage::journal> store;
  journal_config config;
  storage::journal_batch batch;
  std::vector<caf::typed_response_promise<caf::ok_atom>> waiting;
  std::uint64_t handled = 0;
  /// Of `handled`, those in the batch.
  std::size_t batch_records = 0;
  /// Null: nothing is counted.
  std::shared_ptr<node_metrics> metrics;
  caf::error failed;

  journal_state() = default;
  journal_state(const journal_state&) = delete;
  journal_state& operator=(const journal_state&) = delete;
  /// What was not committed was not acknowledged: whoever waits is told so.
  ~journal_state();

  void add(const journal_write& write);
  /// Commits the batch and answers all that wait for it.
  void commit();
};

[[nodiscard]] journal_actor::behavior_type journal_behavior(
    journal_actor::stateful_pointer<journal_state> self, std::shared_ptr<storage::journal> store,
    const journal_config& config);
/// The same, counted.
[[nodiscard]] journal_actor::behavior_type counted_journal_behavior(
    journal_actor::stateful_pointer<journal_state> self, std::shared_ptr<storage::journal> store,
    const journal_config& config, std::shared_ptr<node_metrics> metrics);

}  // namespace tandem
