#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "actors/replication/journal_record.hpp"

namespace tandem {

/// What etcd said of one journal at one moment.
struct register_view {
  /// Nothing: there is no such journal yet.
  std::optional<journal_record> record;
  /// The record's mod_revision; 0: there is none. The fence of the next write.
  std::int64_t version = 0;
  /// The lease key's value; empty: no primary holds its lease.
  std::string lease;
  /// etcd's revision when it said so.
  std::int64_t revision = 0;
};

// What may be done. `epoch` is the one that the caller knows; another one is `fenced`.

/// The first record, with epoch 1: the caller is primary and the only copy.
struct register_create {
  std::uint32_t copies = 1;
  std::uint32_t min_in_sync = 1;
};
/// By the primary, once the follower has everything. Above `copies` it is refused.
struct register_add {
  std::uint64_t epoch = 0;
  journal_copy copy;
};
/// By the primary, before it acknowledges without the follower. Refused below `min_in_sync`.
struct register_remove {
  std::uint64_t epoch = 0;
  journal_copy copy;
  /// Written also when the copy is out already, the record as it was: an earlier addition whose
  /// answer was lost fails its compare then, and cannot come after this.
  bool settle = false;
};
/// By an in-sync member while nobody (but a former run of the same copy) holds the lease: epoch
/// + 1. The former primary's copy leaves the set unless it is the caller's own or `min_in_sync`
/// needs it.
struct register_take_over {
  /// The one that was seen; 0: whichever there is.
  std::uint64_t epoch = 0;
};
/// By the primary, to another member of the set, which then says `hold`: epoch + 1.
struct register_hand_over {
  std::uint64_t epoch = 0;
  journal_holder to;
};
/// By the primary: nobody is, until a member takes over. The epoch stays.
struct register_resign {
  std::uint64_t epoch = 0;
};
/// By the primary: its lease key, after a hand-over or when its lease was lost and it is still
/// primary.
struct register_hold {
  std::uint64_t epoch = 0;
};
/// By the primary: the numbers of copies, when the configuration has changed.
struct register_resize {
  std::uint64_t epoch = 0;
  std::uint32_t copies = 1;
  std::uint32_t min_in_sync = 1;
};

using register_operation =
    std::variant<register_create, register_add, register_remove, register_take_over,
                 register_hand_over, register_resign, register_hold, register_resize>;

/// What is done about the lease key together with the record.
enum class lease_change { keep, put, erase };

/// What to do next about an operation, seen from one view.
struct register_step {
  enum class kind {
    /// Write `next` if the record's version is still the view's (0: if there is none); with `put`
    /// also only if the lease key is still as in the view.
    write,
    /// It is done already.
    done,
    /// It must not be done.
    refused,
    /// Refused, because the caller is not what it thinks it is: another epoch or primary.
    fenced,
    /// Not now: another one holds the lease.
    held,
  };
  kind what = kind::refused;
  journal_record next;
  lease_change lease = lease_change::keep;
  /// Why, with `refused`, `fenced` and `held`.
  std::string text;
};

/// Pure. `self` is who asks, and has its copy's folder open and locked; `lease` is its lease, where
/// the operation makes it primary. The same operation asked again after it was done gives `done`.
[[nodiscard]] register_step decide(const register_view& view, const journal_holder& self,
                                   std::int64_t lease, const register_operation& operation);

/// `remove_follower`: for texts.
[[nodiscard]] std::string_view name_of(const register_operation& operation);

}  // namespace tandem
