#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "storage/journal_batch_state.hpp"
#include "storage/payload_store.hpp"
#include "storage/rocksdb_options.hpp"

namespace tandem::storage {

/// The open database and what is remembered of it; included by storage/'s sources only.
struct journal::state {
  explicit state(journal_options given);
  ~state();

  // Opening (journal_open.cpp), in this order.
  [[nodiscard]] caf::error make_folder() const;
  [[nodiscard]] caf::error sync_folder(const std::string& path) const;
  [[nodiscard]] caf::error check_logs_under_lock() const;
  [[nodiscard]] caf::error with_torn_log_advice(const caf::error& err) const;
  [[nodiscard]] caf::error open_database();
  [[nodiscard]] caf::error check_identity();
  [[nodiscard]] caf::error check_identity_file();
  [[nodiscard]] caf::error load();
  [[nodiscard]] caf::error load_spending();
  [[nodiscard]] caf::error remove_orphans();
  [[nodiscard]] caf::error load_position();
  /// Refuses a folder that holds a copy, or was left by a snapshot's rename that a crash cut off.
  [[nodiscard]] caf::error check_is_no_copy() const;
  void write_pid_file() const;
  [[nodiscard]] caf::error locked_error() const;

  // Writing (journal_state.cpp); under write_mutex.
  [[nodiscard]] caf::error check(std::span<const journal_batch* const> batches) const;
  [[nodiscard]] caf::error apply(std::span<const journal_batch* const> batches, durability level);
  [[nodiscard]] caf::error add(rocksdb::WriteBatch& to, const batch_changes& batch,
                               const batch_changes::change& one, durability level);
  [[nodiscard]] caf::error add_record(rocksdb::WriteBatch& to, const batch_changes& batch,
                                      const batch_changes::change& one, durability level);
  [[nodiscard]] caf::error add_spending(rocksdb::WriteBatch& to, const batch_changes& batch,
                                        const batch_changes::change& one);
  void set_open(rocksdb::WriteBatch& to, std::uint64_t job, bool open);
  void adopt_open_changes();
  [[nodiscard]] caf::expected<std::uint64_t> purge(std::uint64_t job);
  [[nodiscard]] caf::error add_purge_of_client_keys(rocksdb::WriteBatch& to, std::uint64_t job);

  // Replication (journal_replication.cpp).
  [[nodiscard]] caf::error start_epoch(std::uint64_t next_epoch, write_sink to);
  /// Numbers the batch and gives it to the sink, with the files that it names.
  [[nodiscard]] caf::error give_out(rocksdb::WriteBatch& batch);
  /// Followers apply batches by the numbers of the families.
  [[nodiscard]] caf::error check_family_numbers() const;

  // Reading.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* of(family which) const {
    return handles[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] caf::error failure(const rocksdb::Status& status, std::string_view operation) const;
  /// Nothing when the key is absent, an error when the value is no number.
  [[nodiscard]] caf::expected<std::optional<std::uint64_t>> read_number(
      family which, const std::string& key) const;
  [[nodiscard]] caf::expected<journal_record> read_record(std::uint64_t job, std::uint32_t number,
                                                          std::string_view value) const;
  void saw_job(std::uint64_t job);

  const journal_options options;
  const std::string folder;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  payload_store payloads;
  journal_id id;

  /// By hour and tenant; tokens, 1e-9 US dollars.
  std::map<std::pair<std::uint64_t, std::string>, std::pair<std::uint64_t, std::int64_t>> spending;

  std::mutex write_mutex;
  caf::error failed;
  std::uint64_t highest_purged = 0;
  log_position position;
  std::uint64_t epoch = 0;
  /// Nothing: not replicated.
  write_sink sink;
  std::vector<replica_file> outgoing_files;
  std::unordered_map<std::uint64_t, bool> open_changes;

  mutable std::mutex open_mutex;
  std::unordered_set<std::uint64_t> open;

  std::atomic<std::uint64_t> highest_job{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> bytes{0};
};

}  // namespace tandem::storage
