#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "storage/cache_options.hpp"
#include "storage/cache_store.hpp"

namespace tandem::storage {

/// The open database; included by storage/'s sources only. Whoever reads or writes holds `mutex`
/// shared; whoever opens or closes, alone.
struct cache_store::state {
  explicit state(cache_store_options given);
  ~state();

  // Opening (cache_store_state.cpp).
  [[nodiscard]] caf::error open();
  [[nodiscard]] caf::error open_database();
  [[nodiscard]] caf::error open_or_begin_anew();
  /// Tiers that are no longer named: RocksDB opens a database with all its families or not at all.
  [[nodiscard]] rocksdb::Status find_old_families(rocksdb_setup& setup);
  [[nodiscard]] rocksdb::Status drop_old_families();
  void flush();
  void close();
  /// Opens the database again after a failed write.
  [[nodiscard]] caf::error mend();

  /// Nothing: no such tier.
  [[nodiscard]] std::optional<std::size_t> tier_of(std::string_view name) const;
  [[nodiscard]] rocksdb::ColumnFamilyHandle* of(std::size_t tier) const {
    return handles[tier + 1];
  }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* lists() const { return handles[0]; }
  [[nodiscard]] caf::error failure(const rocksdb::Status& status, std::string_view operation) const;
  [[nodiscard]] caf::error written(const rocksdb::Status& status, std::string_view operation);
  /// Writes without a log.
  [[nodiscard]] rocksdb::Status write(rocksdb::WriteBatch& batch);
  [[nodiscard]] std::uint64_t number(std::size_t tier, const std::string& property) const;
  /// Deletes files now that the background has not come to yet.
  [[nodiscard]] rocksdb::Status shrink(std::size_t tier);
  [[nodiscard]] bool has_expired_files(std::size_t tier, std::uint64_t now_ms) const;

  [[nodiscard]] caf::expected<std::optional<stored_item>> read(std::size_t tier,
                                                               const cache_key& key,
                                                               std::uint64_t now_ms);
  [[nodiscard]] caf::error put(std::size_t tier, std::span<const stored_item> batch,
                               std::uint64_t now_ms);
  [[nodiscard]] bool takes(std::size_t tier, const stored_item& one) const;
  /// A record that is of no use.
  void drop_damaged(rocksdb::ColumnFamilyHandle* in, std::string_view key);
  /// A sealed list of the family `default`, on the disk when it returns.
  [[nodiscard]] caf::error save_list(const std::string& key, std::string_view content);
  /// Empty: there is none. Nothing: it is not good.
  [[nodiscard]] caf::expected<std::optional<std::string>> load_list(const std::string& key);

  const cache_store_options options;
  const std::string folder;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::shared_ptr<told_clock> clock;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
  /// `default`, the tiers, then those that are no longer named.
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  mutable std::shared_mutex mutex;
  /// A write has failed since the last opening.
  std::atomic<bool> broken{false};
  std::atomic<std::uint64_t> hits{0}, misses{0}, expired{0}, damaged{0}, refused{0};
  /// Of each tier: since when something waits in memory; 0: nothing does.
  std::vector<std::atomic<std::uint64_t>> waiting_since_ms;
  std::vector<std::string> notes;
};

}  // namespace tandem::storage
