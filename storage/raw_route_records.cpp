#include "storage/raw_route_records.hpp"

#include <memory>
#include <vector>

#include <rocksdb/db.h>

#include "storage/rocksdb_options.hpp"

namespace tandem::storage {

int change_raw_route_records(
    const std::filesystem::path& folder,
    const std::function<void(const std::string& key, std::string& value)>& change) {
  route_store_options options;
  options.folder = folder;
  auto setup = make_route_setup(options, rocksdb::Env::Default());
  setup.db.create_if_missing = false;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(setup.db, folder.string(), setup.families, &handles, &opened).ok())
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
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  return changed;
}

}  // namespace tandem::storage
