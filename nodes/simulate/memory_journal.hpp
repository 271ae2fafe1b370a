#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/archive/archive_actor.hpp"
#include "actors/journal/journal_actor.hpp"

namespace tandem::simulation {

/// The disk of a simulated node: takes what is written in groups, each as long under way as a sync,
/// and keeps nothing.
struct memory_journal_state {
  static constexpr const char* name = "journal";
  using pointer = journal_actor::stateful_pointer<memory_journal_state>;
  using watcher = std::function<void(const journal_write&)>;

  std::chrono::microseconds sync{0};
  watcher on_write;
  bool syncing = false;
  std::vector<caf::typed_response_promise<caf::ok_atom>> gathered;
  std::vector<caf::typed_response_promise<caf::ok_atom>> under_way;

  memory_journal_state() = default;
  memory_journal_state(const memory_journal_state&) = delete;
  memory_journal_state& operator=(const memory_journal_state&) = delete;
};

/// `on_write` sees all that is written, before it is durable.
[[nodiscard]] journal_actor::behavior_type memory_journal(memory_journal_state::pointer self,
                                                          std::chrono::microseconds sync,
                                                          memory_journal_state::watcher on_write);

/// Knows of nothing: what a planner asks of jobs that have ended is not asked in a simulation.
[[nodiscard]] archive_actor::behavior_type empty_archive();

}  // namespace tandem::simulation
