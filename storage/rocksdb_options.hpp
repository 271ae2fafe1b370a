#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>

#include "storage/journal.hpp"
#include "storage/route_store.hpp"

namespace tandem::storage {

/// The column families, by lifetime of what is in them.
enum class family : std::size_t { meta, open, records, summaries, client_keys };
inline constexpr std::size_t family_count = 5;
inline constexpr std::array<const char*, family_count> family_names = {"default", "open", "records",
                                                                       "summaries", "client_keys"};

/// All that RocksDB is told, made from the journal's options; included by storage/'s sources only.
struct rocksdb_setup {
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
};

/// `env` outlives the database. Write buffers get half of memory_bytes_max, blocks, indexes and
/// filters a quarter; the rest is what RocksDB needs beside them (flushes and compactions in
/// progress).
[[nodiscard]] rocksdb_setup make_rocksdb_setup(const journal_options& options, rocksdb::Env* env);

/// The same for what routers learn: the families `default`, `statistics` and `decisions`.
enum class route_family : std::size_t { meta, statistics, decisions };
[[nodiscard]] rocksdb_setup make_route_setup(const route_store_options& options, rocksdb::Env* env);

}  // namespace tandem::storage
