#include "storage/raw_cache_records.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include "storage/cache_options.hpp"
#include "storage/keys.hpp"

namespace tandem::storage {

struct raw_cache_reader::state {
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
};

raw_cache_reader::raw_cache_reader(const cache_store_options& options)
    : state_(std::make_unique<state>()) {
  const auto clock = std::make_shared<told_clock>();
  clock->tell(options.now_ms);
  state_->env = make_cache_env(rocksdb::FileSystem::Default(), clock);
  const auto setup = make_cache_setup(options, state_->env.get());
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(setup.db, options.folder.string(), setup.families,
                                        &state_->handles, &opened);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  state_->db.reset(opened);
}

raw_cache_reader::~raw_cache_reader() {
  for (auto* handle : state_->handles)
    state_->db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
}

std::size_t raw_cache_reader::get(std::size_t tier, const cache_key& key) {
  rocksdb::PinnableSlice value;
  const auto status = state_->db->Get(rocksdb::ReadOptions(), state_->handles[tier + 1],
                                      keys::cached_answer(key), &value);
  return status.ok() ? value.size() : 0;
}

int change_raw_cache_records(
    const cache_store_options& options,
    const std::function<void(const std::string& key, std::string& value)>& change) {
  const auto clock = std::make_shared<told_clock>();
  clock->tell(options.now_ms);
  const auto env = make_cache_env(rocksdb::FileSystem::Default(), clock);
  auto setup = make_cache_setup(options, env.get());
  setup.db.create_if_missing = false;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(setup.db, options.folder.string(), setup.families, &handles, &opened).ok())
    return -1;
  const std::unique_ptr<rocksdb::DB> db(opened);
  int changed = 0;
  for (auto* handle : handles) {
    const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(rocksdb::ReadOptions(), handle));
    for (row->SeekToFirst(); row->Valid(); row->Next()) {
      auto value = row->value().ToString();
      change(row->key().ToString(), value);
      if (value == row->value().ToStringView()) continue;
      if (db->Put(rocksdb::WriteOptions(), handle, row->key(), value).ok()) ++changed;
    }
  }
  db->Flush(rocksdb::FlushOptions(), handles).PermitUncheckedError();
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  return changed;
}

}  // namespace tandem::storage
