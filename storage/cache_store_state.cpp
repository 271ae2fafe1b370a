#include "storage/cache_store_state.hpp"

#include <algorithm>
#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/normal_folder.hpp"
#include "storage/route_folder.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

using rocksdb::Status;

constexpr std::size_t notes_max = 16;

}  // namespace

cache_store::state::state(cache_store_options given)
    : options(std::move(given)),
      folder(normal_folder(options.folder)),
      file_system(options.file_system ? options.file_system : rocksdb::FileSystem::Default()),
      clock(std::make_shared<told_clock>()),
      env(make_cache_env(file_system, clock)),
      waiting_since_ms(options.tiers.size()) {
  clock->tell(options.now_ms);
}

cache_store::state::~state() {
  flush();
  close();
}

void cache_store::state::flush() {
  if (!db || broken) return;
  db->Flush(rocksdb::FlushOptions(), handles).PermitUncheckedError();
}

void cache_store::state::close() {
  if (!db) return;
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  handles.clear();
  db->Close().PermitUncheckedError();
  db.reset();
}

caf::error cache_store::state::failure(const Status& status, std::string_view operation) const {
  return to_error(status, operation, folder);
}

caf::error cache_store::state::written(const Status& status, std::string_view operation) {
  if (!status.ok()) broken = true;
  return failure(status, operation);
}

Status cache_store::state::find_old_families(rocksdb_setup& setup) {
  std::vector<std::string> there;
  // Nothing there yet is no failure: DB::Open finds out what is wrong, and says it better.
  if (!rocksdb::DB::ListColumnFamilies(setup.db, folder, &there).ok()) return Status::OK();
  for (const auto& name : there) {
    const auto is_named = [&name](const auto& family) { return family.name == name; };
    if (std::any_of(setup.families.begin(), setup.families.end(), is_named)) continue;
    setup.families.emplace_back(name, setup.families.back().options);
  }
  return Status::OK();
}

Status cache_store::state::drop_old_families() {
  while (handles.size() > options.tiers.size() + 1) {
    auto* const old = handles.back();
    if (auto status = db->DropColumnFamily(old); !status.ok()) return status;
    if (auto status = db->DestroyColumnFamilyHandle(old); !status.ok()) return status;
    handles.pop_back();
  }
  return Status::OK();
}

caf::error cache_store::state::open_database() {
  if (auto err = make_route_folder(folder)) return err;
  if (has_lost_its_manifest(folder))
    return make_error(errc::corrupted, folder + " has lost the pointer to its tables");
  auto setup = make_cache_setup(options, env.get());
  auto status = find_old_families(setup);
  rocksdb::DB* opened = nullptr;
  if (status.ok()) status = rocksdb::DB::Open(setup.db, folder, setup.families, &handles, &opened);
  db.reset(opened);
  if (!status.ok()) handles.clear();
  if (status.ok()) status = drop_old_families();
  return failure(status, "opening the cache");
}

caf::error cache_store::state::open_or_begin_anew() {
  const auto cause = open_database();
  if (!cause) return {};
  close();
  const auto code = code_of(cause);
  if (code == errc::locked || code == errc::storage_failed) return cause;
  // Whatever else it is, it is about what the files hold; and they are only a cache.
  rocksdb::Options destroyed;
  destroyed.env = env.get();
  if (auto status = rocksdb::DestroyDB(folder, destroyed); !status.ok()) {
    auto aside = move_folder_aside(folder);
    if (!aside) return std::move(aside.error());
  }
  if (auto err = open_database()) {
    close();
    return err;
  }
  if (notes.size() < notes_max)
    notes.push_back("the cache in " + folder + " could not be read (" + message_of(cause) +
                    "): it has begun anew");
  return {};
}

caf::error cache_store::state::open() {
  if (folder.empty())
    return make_error(errc::invalid_argument, "the cache has no folder: name one");
  return open_or_begin_anew();
}

caf::error cache_store::state::mend() {
  if (!broken) return {};
  const std::unique_lock lock(mutex);
  if (!broken) return {};
  // Not DB::Resume(): see route_store_state.cpp.
  close();
  if (auto err = open_or_begin_anew()) return err;
  broken = false;
  return {};
}

std::optional<std::size_t> cache_store::state::tier_of(std::string_view name) const {
  for (std::size_t i = 0; i < options.tiers.size(); ++i)
    if (options.tiers[i].name == name) return i;
  return std::nullopt;
}

Status cache_store::state::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions without_log;
  without_log.disableWAL = true;
  return db->Write(without_log, &batch);
}

std::uint64_t cache_store::state::number(std::size_t tier, const std::string& property) const {
  std::uint64_t value = 0;
  if (!db || !db->GetIntProperty(of(tier), property, &value)) return 0;
  return value;
}

Status cache_store::state::shrink(std::size_t tier) {
  return db->CompactRange(rocksdb::CompactRangeOptions(), of(tier), nullptr, nullptr);
}

bool cache_store::state::has_expired_files(std::size_t tier, std::uint64_t now_ms) const {
  constexpr std::uint64_t ms_per_s = 1000;
  rocksdb::ColumnFamilyMetaData about;
  db->GetColumnFamilyMetaData(of(tier), &about);
  const auto ttl_s = cache_file_ttl_ms(options.tiers[tier].ttl_ms) / ms_per_s + 1;
  for (const auto& level : about.levels)
    for (const auto& file : level.files)
      if (file.oldest_ancester_time != 0 && file.oldest_ancester_time + ttl_s < now_ms / ms_per_s)
        return true;
  return false;
}

}  // namespace tandem::storage
