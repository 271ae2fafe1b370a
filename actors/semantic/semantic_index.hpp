#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/semantic/hit_bound.hpp"
#include "actors/semantic/semantic_config.hpp"
#include "actors/semantic/vector_space.hpp"

namespace tandem {

/// A goal whose plan is stored, and what became of its matches.
struct semantic_entry {
  std::uint64_t id = 0;
  std::string scope;
  std::string goal;
  std::vector<std::string> tool_arguments;
  /// `hash_of_numbers`
  std::uint64_t numbers = 0;
  /// The caller's: what it finds the plan by.
  std::string payload;
  std::int64_t expires_at_ms = 0;
  /// Of compared matches with this entry.
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  /// Of jobs that used its plan.
  std::uint32_t jobs_ok = 0;
  std::uint32_t jobs_failed = 0;
  /// The least chance that was predicted of a match that was wrong.
  double least_wrong_chance = 1;
};

/// All entries, in scopes that never see each other: each has vectors, a table of texts and a bound
/// of its own. Bounded in entries, scopes and bytes; beyond, the least recently used entry goes,
/// and with a scope too many the least recently used scope. One thread at a time; time is an
/// argument.
class semantic_index {
 public:
  explicit semantic_index(semantic_config config) : config_{std::move(config)} {}

  /// An entry of the same goal and arguments is replaced. 0: it alone is beyond the bounds, or the
  /// vector has another dimension than its scope.
  std::uint64_t put(semantic_entry entry, std::span<const float> vector, std::int64_t now_ms);

  struct match {
    semantic_entry* entry;
    float similarity;
  };
  /// Of this scope, nearest first; what has expired is removed and not among them.
  [[nodiscard]] std::vector<match> nearest(std::string_view scope, std::span<const float> vector,
                                           std::size_t count, std::int64_t now_ms);
  /// The entry of this very goal; null: none.
  [[nodiscard]] semantic_entry* same(std::string_view scope, std::string_view goal,
                                     const std::vector<std::string>& tool_arguments,
                                     std::int64_t now_ms);
  [[nodiscard]] semantic_entry* find(std::uint64_t id);
  /// Used now.
  void touch(std::uint64_t id);
  bool erase(std::uint64_t id);
  /// Removes what has expired, at most `most`; how many.
  std::size_t expire(std::int64_t now_ms, std::size_t most);
  /// Rebuilds of all scopes, at most `entries` moved. True: more to do.
  bool maintain(std::size_t entries);

  /// Made when it is not there.
  [[nodiscard]] hit_bound& bound(std::string_view scope);
  /// Null: nothing was ever stored or learned there.
  [[nodiscard]] const hit_bound* find_bound(std::string_view scope) const;
  [[nodiscard]] std::size_t size_of(std::string_view scope) const;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t scopes() const noexcept { return scopes_.size(); }
  /// What the budget counts: texts, tables, bounds, and vectors and graphs at their most.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Vectors and graphs as they are now; never more than what is counted for them.
  [[nodiscard]] std::size_t vector_bytes() const;
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::uint64_t rebuilds() const;

 private:
  struct scope_state {
    std::unique_ptr<vector_space> vectors;
    std::unique_ptr<hit_bound> bound;
    /// From the hash of goal and arguments to the entry.
    std::unordered_map<std::uint64_t, std::uint64_t> by_text;
    std::set<std::uint64_t> ids;
    std::list<std::string>::iterator used;
  };
  struct held_entry {
    semantic_entry entry;
    std::uint64_t text_hash;
    std::list<std::uint64_t>::iterator used;
    std::size_t bytes;
  };
  using scope_map = std::unordered_map<std::string, scope_state>;

  scope_state& scope_of(std::string_view name);
  void drop_scope(const std::string& name);
  [[nodiscard]] static std::size_t bytes_of(const scope_state& scope);
  void evict(std::uint64_t spared);

  semantic_config config_;
  scope_map scopes_;
  std::unordered_map<std::uint64_t, held_entry> entries_;
  /// Least recently used first.
  std::list<std::uint64_t> used_;
  std::list<std::string> scopes_used_;
  std::set<std::pair<std::int64_t, std::uint64_t>> by_expiry_;
  std::uint64_t next_id_ = 1;
  std::uint64_t evicted_ = 0;
  std::uint64_t rebuilds_dropped_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tandem
