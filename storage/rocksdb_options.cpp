#include "storage/rocksdb_options.hpp"

#include <algorithm>

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace tandem::storage {

namespace {

constexpr int open_files_max = 256;
constexpr std::size_t info_log_bytes_max = 1u << 20;

rocksdb::DBOptions make_db_options(const journal_options& options, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_missing_column_families = true;
  db.max_background_jobs = 2;
  db.max_open_files = open_files_max;
  db.max_total_wal_size = options.log_bytes_max;

  // Point-in-time recovery, the default, stops at the first damaged log record and drops all
  // acknowledged ones behind it without a word. Tolerating the tail drops only a record that ends
  // with its file, which a cut in the middle of a write leaves and which was never acknowledged;
  // damage before that is an error. It excludes recycled logs.
  db.wal_recovery_mode = options.accept_torn_log
                             ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                             : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.track_and_verify_wals_in_manifest = !options.accept_torn_log;
  db.verify_sst_unique_id_in_manifest = true;
  db.paranoid_checks = true;

  // Every batch goes through the log, so families may be flushed one by one: a crash never leaves
  // half a batch. (7.8 aborts when an atomic flush meets a full disk: rocksdb pull request 12176.)
  db.atomic_flush = false;
  // An error stays until the folder is opened again: nobody waits for a disk in silence.
  db.max_bgerror_resume_count = 0;

  db.bytes_per_sync = 1u << 20;
  db.wal_bytes_per_sync = 512u << 10;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = info_log_bytes_max;
  db.keep_log_file_num = 2;
  return db;
}

rocksdb::ColumnFamilyOptions make_family_options(family which, const journal_options& options,
                                                 const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.checksum = rocksdb::ChecksumType::kXXH3;
  table.format_version = 5;
  // Only these are asked for single keys, most of them absent; the others are read as ranges.
  if (which == family::client_keys || which == family::summaries)
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions result;
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  const auto buffers = options.memory_bytes_max / 2;
  const bool bulk = which == family::records;
  result.write_buffer_size =
      std::clamp<std::size_t>(bulk ? buffers / 3 : buffers / 12, 256u << 10, 64u << 20);
  result.max_write_buffer_number = 2;
  result.target_file_size_base = bulk ? 16u << 20 : 4u << 20;
  result.compression = rocksdb::kLZ4Compression;
  if (bulk) result.bottommost_compression = rocksdb::kZSTD;
  return result;
}

}  // namespace

rocksdb_setup make_rocksdb_setup(const journal_options& options, rocksdb::Env* env) {
  rocksdb_setup setup;
  setup.db = make_db_options(options, env);
  setup.cache = rocksdb::NewLRUCache(options.memory_bytes_max / 4, /*num_shard_bits=*/2);
  setup.write_buffers = std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes_max / 2);
  setup.db.write_buffer_manager = setup.write_buffers;
  for (std::size_t i = 0; i < family_count; ++i)
    setup.families.emplace_back(family_names[i],
                                make_family_options(static_cast<family>(i), options, setup.cache));
  return setup;
}

rocksdb_setup make_route_setup(const route_store_options& options, rocksdb::Env* env) {
  // Nothing here is synced, so a power cut may leave any hole in the log: what lies before it is
  // kept. What is behind it is some seconds of learning.
  journal_options common;
  common.memory_bytes_max = options.memory_bytes_max;
  common.log_bytes_max = options.memory_bytes_max;
  common.accept_torn_log = true;
  rocksdb_setup setup;
  setup.db = make_db_options(common, env);
  setup.db.create_if_missing = true;
  setup.cache = rocksdb::NewLRUCache(options.memory_bytes_max / 4, /*num_shard_bits=*/2);
  setup.write_buffers = std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes_max / 2);
  setup.db.write_buffer_manager = setup.write_buffers;
  // Decisions are the bulk, and are asked for one by one, those that are new in vain.
  setup.families.emplace_back("default", make_family_options(family::meta, common, setup.cache));
  setup.families.emplace_back("statistics",
                              make_family_options(family::summaries, common, setup.cache));
  setup.families.emplace_back("decisions",
                              make_family_options(family::client_keys, common, setup.cache));
  setup.families.back().options.write_buffer_size = options.memory_bytes_max / 6;
  return setup;
}

}  // namespace tandem::storage
