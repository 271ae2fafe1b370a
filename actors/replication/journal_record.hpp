#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "schema/ids.hpp"

namespace tandem {

/// One copy of a journal. `replica` is random, made with the copy's folder: a node that lost its
/// folder comes back as another copy.
struct journal_copy {
  std::string node;
  std::uint64_t replica = 0;

  bool operator==(const journal_copy&) const = default;
};

/// A node that is, or could become, the primary: its copy, and this run of its process.
struct journal_holder {
  journal_copy copy;
  std::uint64_t incarnation = 0;
  /// `host:port` where other nodes connect.
  std::string address;

  bool operator==(const journal_holder&) const = default;
};

/// What etcd holds of one journal. Every member of `in_sync` has all acknowledged writes; the
/// primary is a member. Hence: a follower is removed before it is made to start again from a
/// snapshot, and added when it has everything.
struct journal_record {
  /// The fence of every replicated write; 0: none yet.
  std::uint64_t epoch = 0;
  /// Nobody after a resignation, until an in-sync member takes over.
  std::optional<journal_holder> primary;
  std::vector<journal_copy> in_sync;
  std::uint32_t copies = 1;
  std::uint32_t min_in_sync = 1;

  [[nodiscard]] bool has(const journal_copy& copy) const;
  /// The primary, in this run of its process.
  [[nodiscard]] bool is_led_by(const journal_holder& holder) const;
  bool operator==(const journal_record&) const = default;
};

inline constexpr std::size_t journal_copies_max = 16;
inline constexpr std::size_t journal_record_bytes_max = 16 * 1024;

/// What is wrong with it, in words; empty: nothing.
[[nodiscard]] std::string problem_of(const journal_record& record);

/// One line of JSON, always the same for the same record. Precondition: nothing is wrong with it.
[[nodiscard]] std::string to_text(const journal_record& record);
/// `corrupted` says what is wrong with it: hostile until it was checked.
[[nodiscard]] caf::expected<journal_record> parse_journal_record(std::string_view text);

/// `/tandem/<cluster>/journals/<journal>`, and below it the key that lives as long as the primary's
/// lease.
[[nodiscard]] std::string journal_key(std::string_view cluster, journal_id journal);
[[nodiscard]] std::string journal_lease_key(std::string_view cluster, journal_id journal);
/// The lease key's value: who holds which lease.
[[nodiscard]] std::string lease_text(const journal_holder& holder, std::int64_t lease);
/// Whether a lease key's value is of some run of this copy.
[[nodiscard]] bool is_lease_of(std::string_view lease_text, const journal_copy& copy);

}  // namespace tandem
