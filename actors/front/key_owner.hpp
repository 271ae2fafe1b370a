#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tandem {

/// A journal as far as client keys are concerned. Sorted by age: the oldest first.
struct journal_birth {
  std::uint64_t birth_ms = 0;
  std::uint64_t journal = 0;
  friend auto operator<=>(const journal_birth&, const journal_birth&) = default;
};

/// What decides where a client key belongs. The same on every node and in every release: changing
/// it would move keys away from their jobs.
[[nodiscard]] std::uint64_t key_hash(std::string_view tenant, std::string_view key);

/// Rendezvous hashing: the journal of the highest weight. A journal that joins takes keys from the
/// others, and none moves between those. 0: there is no journal.
[[nodiscard]] std::uint64_t key_owner(std::uint64_t hash, std::span<const journal_birth> journals);

/// Every journal that was the key's owner at some time while `in_order` grew to what it is, the
/// first one first, today's owner last. Of n journals some ln n.
[[nodiscard]] std::vector<std::uint64_t> key_owners_so_far(std::uint64_t hash,
                                                           std::span<const journal_birth> in_order);

}  // namespace tandem
