#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "storage/keys.hpp"
#include "storage/rocksdb_options.hpp"
#include "storage/route_record.hpp"
#include "storage/route_store.hpp"

namespace tandem::storage {

/// What a key names, in words: `the statistics of plan / big of origin k3f…`.
[[nodiscard]] std::string name_of_key(std::string_view key);

/// Sentences about what could not be read; bounded.
class aside_list {
 public:
  void add(std::string sentence);
  [[nodiscard]] std::vector<std::string> sentences() const;

 private:
  std::vector<std::string> sentences_;
  std::uint64_t more_ = 0;
};

/// The open database and what is remembered of it; included by storage/'s sources only. Whoever
/// calls holds `mutex`.
struct route_store::state {
  explicit state(route_store_options given);
  ~state();

  // Opening (route_store.cpp).
  [[nodiscard]] caf::error open();
  [[nodiscard]] caf::error open_database();
  void close();
  [[nodiscard]] caf::error replace_damaged(const caf::error& cause);
  /// Reads all that must be right at a start, and moves what is damaged into its corner.
  [[nodiscard]] caf::error check_records();
  [[nodiscard]] caf::error check_kind(route_family which, keys::tag kind,
                                      rocksdb::WriteBatch& moves);
  [[nodiscard]] caf::error move_aside(route_family which, std::string_view key,
                                      std::string_view value, rocksdb::WriteBatch& moves);
  [[nodiscard]] caf::error load_numbers();
  /// The lowest or highest number among keys of `kind`; nothing when there is none.
  [[nodiscard]] caf::expected<std::optional<std::uint64_t>> edge_number(route_family which,
                                                                        keys::tag kind,
                                                                        bool highest) const;

  // Writing (route_store_state.cpp).
  [[nodiscard]] caf::error mend();
  [[nodiscard]] caf::error write(const route_batch& batch);
  /// Where the numbers stand when a batch is written.
  struct numbers {
    std::uint64_t first_sequence, next_sequence, next_change;
  };
  [[nodiscard]] rocksdb::Status add_small(rocksdb::WriteBatch& to, const route_batch& batch) const;
  [[nodiscard]] rocksdb::Status add_decisions(rocksdb::WriteBatch& to, const route_batch& batch,
                                              numbers& at) const;
  [[nodiscard]] rocksdb::Status drop_oldest(rocksdb::WriteBatch& to, std::size_t new_ones,
                                            numbers& at) const;
  [[nodiscard]] rocksdb::Status add_changes(rocksdb::WriteBatch& to, const route_batch& batch,
                                            numbers& at) const;

  // Reading (route_reads.cpp).
  [[nodiscard]] rocksdb::ColumnFamilyHandle* of(route_family which) const {
    return handles[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] caf::error failure(const rocksdb::Status& status, std::string_view operation) const;
  /// `storage_failed` after a mend that failed.
  [[nodiscard]] caf::error check_open() const;
  /// The content of a record; nothing, and a sentence, when it is not good. `what`: its name.
  [[nodiscard]] std::optional<std::string_view> open_or_note(std::string_view key,
                                                             std::string_view value,
                                                             const std::string& what) const;
  /// Calls `visit` with each good record's key and content until it says false.
  void read_kind(route_family which, keys::tag kind, bool backwards,
                 const std::function<bool(std::string_view, std::string_view)>& visit) const;
  [[nodiscard]] caf::expected<tmsg::decrec> read_decision(std::uint64_t id) const;
  /// The decision's place in the order of arrival; nothing when it is not kept.
  [[nodiscard]] std::optional<std::uint64_t> sequence_of(std::uint64_t id) const;

  const route_store_options options;
  const std::string folder;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  mutable std::mutex mutex;
  mutable aside_list asides;
  /// A write has failed since the last good one.
  bool broken = false;
  /// Of decisions by arrival: the oldest that is kept, and the next; equal when there is none.
  std::uint64_t first_sequence = 1;
  std::uint64_t next_sequence = 1;
  std::uint64_t next_change = 1;
  std::uint64_t first_aside = 1;
  std::uint64_t next_aside = 1;
};

}  // namespace tandem::storage
