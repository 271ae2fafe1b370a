#include "storage/cache_options.hpp"

#include <algorithm>
#include <numeric>

#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace tandem::storage {

namespace {

constexpr std::uint64_t buffer_bytes_min = 64u << 10;
constexpr std::uint64_t buffer_bytes_max = 64u << 20;
constexpr std::size_t small_file_bytes = 1u << 20;
/// A tier is of at least so many files, so that little is deleted at once.
constexpr std::uint64_t files_min = 32;

class cache_env final : public rocksdb::EnvWrapper {
 public:
  cache_env(std::unique_ptr<rocksdb::Env> below, const std::shared_ptr<told_clock>& clock)
      : EnvWrapper(below.get()), below_(std::move(below)) {
    file_system_ = below_->GetFileSystem();
    system_clock_ = clock;
  }

 private:
  std::unique_ptr<rocksdb::Env> below_;
};

rocksdb::DBOptions make_db_options(rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.max_background_jobs = 2;
  // Without it, files are not dated by what is in them and never become too old.
  db.max_open_files = -1;
  db.skip_stats_update_on_db_open = true;
  db.verify_sst_unique_id_in_manifest = true;
  db.paranoid_checks = true;
  // An error stays until the database is opened again, which the next write does.
  db.max_bgerror_resume_count = 0;
  db.bytes_per_sync = 1u << 20;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = small_file_bytes;
  db.keep_log_file_num = 2;
  db.max_manifest_file_size = small_file_bytes;
  return db;
}

rocksdb::BlockBasedTableOptions make_table_options(const cache_store_options& options,
                                                   const std::shared_ptr<rocksdb::Cache>& cache) {
  const auto on_disk = std::accumulate(
      options.tiers.begin(), options.tiers.end(), std::uint64_t{0},
      [](std::uint64_t sum, const cache_tier_options& tier) { return sum + tier.bytes_max; });
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  // All files are of level 0: a miss reads nothing. What is pinned is outside the cache's bound.
  table.pin_l0_filter_and_index_blocks_in_cache = options.memory_bytes_max >= on_disk / 100;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::ChecksumType::kXXH3;
  table.format_version = 5;
  return table;
}

rocksdb::ColumnFamilyOptions make_tier_options(const cache_store_options& options,
                                               const cache_tier_options& tier,
                                               const rocksdb::BlockBasedTableOptions& table) {
  constexpr std::uint64_t ms_per_s = 1000;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = cache_buffer_bytes(options, tier);
  family.max_write_buffer_number = 2;
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.02;
  family.compression = rocksdb::kLZ4Compression;
  // Nothing is ever rewritten, and what goes is a whole file. Some buffers may become files before
  // the oldest ones are gone.
  family.compaction_style = rocksdb::kCompactionStyleFIFO;
  family.compaction_options_fifo.allow_compaction = false;
  family.compaction_options_fifo.max_table_files_size =
      tier.bytes_max - 4 * family.write_buffer_size;
  family.ttl = cache_file_ttl_ms(tier.ttl_ms) / ms_per_s + 1;
  return family;
}

rocksdb::ColumnFamilyOptions make_lists_options(rocksdb::BlockBasedTableOptions table) {
  rocksdb::ColumnFamilyOptions family;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = small_file_bytes;
  family.max_write_buffer_number = 2;
  family.compression = rocksdb::kNoCompression;
  return family;
}

}  // namespace

rocksdb::Status told_clock::GetCurrentTime(std::int64_t* unix_time) {
  constexpr std::uint64_t ms_per_s = 1000;
  const auto told = now_ms_.load(std::memory_order_relaxed);
  if (told == 0) return SystemClockWrapper::GetCurrentTime(unix_time);
  *unix_time = static_cast<std::int64_t>(told / ms_per_s);
  return rocksdb::Status::OK();
}

std::unique_ptr<rocksdb::Env> make_cache_env(
    const std::shared_ptr<rocksdb::FileSystem>& file_system,
    const std::shared_ptr<told_clock>& clock) {
  return std::make_unique<cache_env>(rocksdb::NewCompositeEnv(file_system), clock);
}

std::uint64_t cache_buffer_bytes(const cache_store_options& options,
                                 const cache_tier_options& tier) {
  // Half of the memory is for buffers, of which each tier has one that is filled and one that is
  // written out.
  const auto share = options.memory_bytes_max / 2 / (2 * options.tiers.size());
  return std::clamp<std::uint64_t>(std::min<std::uint64_t>(share, tier.bytes_max / files_min),
                                   buffer_bytes_min, buffer_bytes_max);
}

rocksdb_setup make_cache_setup(const cache_store_options& options, rocksdb::Env* env) {
  rocksdb_setup setup;
  setup.db = make_db_options(env);
  setup.cache = rocksdb::NewLRUCache(options.memory_bytes_max / 2, /*num_shard_bits=*/2);
  setup.write_buffers = std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes_max / 2);
  setup.db.write_buffer_manager = setup.write_buffers;
  const auto table = make_table_options(options, setup.cache);
  setup.families.emplace_back("default", make_lists_options(table));
  for (const auto& tier : options.tiers)
    setup.families.emplace_back(tier.name, make_tier_options(options, tier, table));
  return setup;
}

}  // namespace tandem::storage
