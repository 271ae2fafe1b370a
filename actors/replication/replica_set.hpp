#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/replication.hpp"

namespace tandem {

struct replica_set_limits {
  /// Copies, the primary's included.
  std::uint32_t copies = 1;
  /// In-sync copies, the primary's included, without which nothing is acknowledged.
  std::uint32_t min_in_sync = 1;
  /// An in-sync follower that has acknowledged nothing for as long, though something waits for it,
  /// is removed.
  std::chrono::milliseconds ack_timeout{2000};
  /// Between two tries to change the set.
  std::chrono::milliseconds retry{500};
};

/// The primary's view of its copies, for one epoch: what may be acknowledged, whom to add, whom to
/// remove. No actors, no clock, no I/O. Copies are named by their folders' random ids.
///
/// The rules that nothing acknowledged is lost by:
/// - a write is acknowledged when it is durable here and at every *required* copy;
/// - required are the in-sync copies, as long as their removal is not certainly done, and a copy
/// that
///   is being added from the moment that the register is asked, for its answer may be lost;
/// - the register is asked to add a copy only when that has everything acknowledged so far;
/// - with fewer in-sync copies than min_in_sync, or once a higher epoch is heard of, nothing is.
class replica_set {
 public:
  using time = std::chrono::steady_clock::time_point;
  using copy_id = std::uint64_t;

  /// `start`: where the log ends, with the write that began the epoch. Precondition: `in_sync` has
  /// `self`.
  replica_set(copy_id self, storage::log_position start, const std::vector<copy_id>& in_sync,
              replica_set_limits limits, time now);

  // What happened.

  /// Given out, to be written here and elsewhere. Sequences rise by one.
  void on_written(std::uint64_t sequence, time now);
  /// Durable here up to this.
  void on_local(std::uint64_t sequence);
  /// A follower says how far it has everything and which epoch it knows of.
  void on_ack(copy_id copy, storage::log_position has, std::uint64_t known_epoch, time now);
  /// It cannot write, or is gone: it is to be removed without waiting.
  void on_lost(copy_id copy);

  /// How a change of the set ended. With `done` and `refused` no earlier try whose answer was lost
  /// can be done any more.
  enum class outcome {
    done,
    /// The rules forbid it; nothing was done.
    refused,
    /// Nothing was done.
    unavailable,
    /// It may have been done, or be done later.
    unknown,
    /// Somebody else is primary.
    fenced,
  };
  void on_changed(outcome how, time now);
  /// What the register holds of this epoch, perhaps a little old: a copy that it lacks is no longer
  /// counted, but stays required until it is certainly out; one that we lack is required.
  void on_agreed(const std::vector<copy_id>& in_sync, time now);
  /// The register shows a higher epoch, or the lease is certainly lost.
  void fence(std::uint64_t higher_epoch);

  // What to do.

  struct change {
    enum class kind { add, remove } what;
    copy_id copy;
    bool operator==(const change&) const = default;
  };
  /// The change to ask of the register now; at most one is under way.
  [[nodiscard]] std::optional<change> next_change(time now);
  /// When to ask again though nothing happened; nothing: no need to.
  [[nodiscard]] std::optional<time> next_check() const;

  /// Everything up to here may be answered. Never falls.
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] bool is_fenced() const { return fenced_by_ != 0; }
  [[nodiscard]] std::uint64_t fenced_by() const { return fenced_by_; }
  [[nodiscard]] bool is_in_sync(copy_id copy) const;
  [[nodiscard]] bool is_required(copy_id copy) const;
  [[nodiscard]] std::vector<copy_id> in_sync() const;
  /// In words, for status.
  [[nodiscard]] std::string state() const;

 private:
  struct member {
    bool in_sync = false;
    /// Asked for, and not certainly not done.
    bool maybe_added = false;
    /// Of being added: an answer was lost, or it is not to be added after all.
    bool fate_unknown = false;
    bool given_up = false;
    bool lost = false;
    /// In this epoch.
    std::uint64_t acked = 0;
    time progress;
  };

  [[nodiscard]] std::size_t in_sync_count() const;
  [[nodiscard]] bool is_overdue(const member& one, time now) const;
  void advance();

  const copy_id self_;
  const std::uint64_t epoch_;
  const replica_set_limits limits_;
  std::map<copy_id, member> members_;
  std::uint64_t written_;
  std::uint64_t local_;
  std::uint64_t acknowledged_;
  std::uint64_t fenced_by_ = 0;
  std::optional<change> under_way_;
  time not_before_;
};

}  // namespace tandem
