#include "storage/weight_store.hpp"

#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include "schema/errc.hpp"
#include "storage/route_folder.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {
namespace {

constexpr std::size_t name_bytes_max = 1024;
constexpr std::size_t record_bytes_max = std::size_t{4} << 20;
constexpr std::size_t write_buffer_bytes = std::size_t{1} << 20;
constexpr std::size_t log_files_max = 2;

rocksdb::Options options_of() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.write_buffer_size = write_buffer_bytes;
  options.max_open_files = 16;
  options.keep_log_file_num = log_files_max;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct weight_store::state {
  std::string folder;
  std::unique_ptr<rocksdb::DB> db;
};

weight_store::weight_store(std::unique_ptr<state> parts) : state_{std::move(parts)} {}

weight_store::~weight_store() {
  if (state_->db) state_->db->Close().PermitUncheckedError();
}

caf::expected<std::shared_ptr<weight_store>> weight_store::open(
    const std::filesystem::path& folder) {
  if (auto err = make_route_folder(folder)) return err;
  if (has_lost_its_manifest(folder))
    return corrupted_error("the pointer to its tables is lost", folder.string());
  auto made = std::make_unique<state>();
  made->folder = folder.string();
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(options_of(), made->folder, &opened);
  made->db.reset(opened);
  if (!status.ok())
    return to_error(status, "opening what is known of weight versions", made->folder);
  return std::shared_ptr<weight_store>{new weight_store{std::move(made)}};
}

caf::expected<std::map<std::string, std::string>> weight_store::load() const {
  std::map<std::string, std::string> out;
  const std::unique_ptr<rocksdb::Iterator> row{state_->db->NewIterator(rocksdb::ReadOptions{})};
  for (row->SeekToFirst(); row->Valid(); row->Next())
    out.emplace(row->key().ToString(), row->value().ToString());
  if (!row->status().ok())
    return to_error(row->status(), "reading what is known of weight versions", state_->folder);
  return out;
}

caf::error weight_store::write(const std::vector<weight_change>& changes) {
  rocksdb::WriteBatch batch;
  for (const auto& each : changes) {
    if (each.name.empty() || each.name.size() > name_bytes_max ||
        (each.bytes && each.bytes->size() > record_bytes_max))
      return make_error(errc::invalid_argument,
                        "a record about weights is too long, or has no name");
    auto status = each.bytes ? batch.Put(each.name, *each.bytes) : batch.Delete(each.name);
    if (!status.ok()) return to_error(status, "writing about weight versions", state_->folder);
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  auto status = state_->db->Write(synced, &batch);
  return status.ok() ? caf::error{}
                     : to_error(status, "writing about weight versions", state_->folder);
}

}  // namespace tandem::storage
