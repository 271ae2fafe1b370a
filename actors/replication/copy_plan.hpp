#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "actors/replication/register_step.hpp"
#include "schema/ids.hpp"

namespace tandem {

// Who keeps copies of which journal, and who takes over. Pure.

/// Another node, as the primary of a journal sees it now.
struct copy_place {
  std::string node;
  /// It has the role and is not leaving.
  bool takes_new = false;
};

/// The nodes that are to keep copies of `journal` beside its primary: first those of `places` that
/// are in sync, then those that take new ones, in the order of their rendezvous weights, so that a
/// node that comes or goes moves few copies. At most copies - 1.
[[nodiscard]] std::vector<std::string> nodes_to_follow(journal_id journal,
                                                       const journal_record& record,
                                                       const std::vector<copy_place>& places);

/// The copies of the record that lie on `node`, the primary's not: they are lost with it.
[[nodiscard]] std::vector<journal_copy> copies_on(const journal_record& record,
                                                  const std::string& node);

/// How long a copy waits, after it saw that nobody holds the lease (but for itself: a take-over
/// whose end it did not see, or a run of this node that has ended), before it takes over: each
/// candidate a `step` more than the one before, so that they do not run against each other;
/// nothing: it must not.
[[nodiscard]] std::optional<std::chrono::milliseconds> takeover_delay(
    journal_id journal, const register_view& view, const std::string& node,
    std::chrono::milliseconds step);

/// What a node that starts does with the journal in its data folder.
enum class home_decision {
  /// No record yet: it is the first primary.
  create,
  /// In sync, and nobody else holds the lease: primary of a new epoch.
  take_over,
  /// Others went on with it, or may: what lies here is a copy of theirs.
  follow,
};
[[nodiscard]] home_decision decide_home(const register_view& view, const journal_copy& own);

}  // namespace tandem
