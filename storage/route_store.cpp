#include "storage/route_store.hpp"

#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/log_check.hpp"
#include "storage/normal_folder.hpp"
#include "storage/route_folder.hpp"
#include "storage/route_store_state.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr std::uint64_t asides_kept_max = 100;

}  // namespace

route_store::state::state(route_store_options given)
    : options(std::move(given)),
      folder(normal_folder(options.folder)),
      file_system(options.file_system ? options.file_system : rocksdb::FileSystem::Default()),
      env(rocksdb::NewCompositeEnv(file_system)) {}

route_store::state::~state() {
  close();
}

void route_store::state::close() {
  if (!db) return;
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  handles.clear();
  db->Close().PermitUncheckedError();
  db.reset();
}

caf::error route_store::state::open_database() {
  if (auto err = make_route_folder(folder)) return err;
  if (has_lost_its_manifest(folder))
    return make_error(errc::corrupted, folder + " has lost the pointer to its tables");
  const auto torn = check_logs(*file_system, folder);
  auto setup = make_route_setup(options, env.get());
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(setup.db, folder, setup.families, &handles, &opened);
  db.reset(opened);
  if (!status.ok()) {
    handles.clear();
    return failure(status, "opening what the router learned");
  }
  if (code_of(torn) == errc::corrupted)
    asides.add("the log in " + folder +
               " was cut short, as by a power cut: what was learned last is lost");
  return {};
}

caf::error route_store::state::open() {
  if (folder.empty())
    return make_error(errc::invalid_argument, "the router's memory has no folder: name one");
  auto err = open_database();
  if (!err) err = check_records();
  if (!err) err = load_numbers();
  if (code_of(err) != errc::corrupted) return err;
  return replace_damaged(err);
}

caf::error route_store::state::replace_damaged(const caf::error& cause) {
  close();
  auto aside = move_folder_aside(folder);
  if (!aside) return std::move(aside.error());
  if (auto err = open_database()) return err;
  asides.add("what the router had learned cannot be read (" + message_of(cause) + "): it is in " +
             aside->string() + " now, and learning has begun anew");
  return load_numbers();
}

caf::error route_store::state::check_records() {
  rocksdb::WriteBatch moves;
  constexpr std::pair<route_family, keys::tag> checked[] = {
      {route_family::statistics, keys::tag::arm_statistics},
      {route_family::meta, keys::tag::route_setting},
      {route_family::meta, keys::tag::route_change},
      {route_family::meta, keys::tag::route_state},
  };
  auto highest = edge_number(route_family::meta, keys::tag::route_aside, true);
  if (!highest) return std::move(highest.error());
  auto lowest = edge_number(route_family::meta, keys::tag::route_aside, false);
  if (!lowest) return std::move(lowest.error());
  next_aside = highest->value_or(0) + 1;
  first_aside = lowest->value_or(next_aside);
  for (const auto& [which, kind] : checked)
    if (auto err = check_kind(which, kind, moves)) return err;
  if (moves.Count() == 0) return {};
  return failure(db->Write(rocksdb::WriteOptions(), &moves), "setting damaged records aside");
}

caf::error route_store::state::check_kind(route_family which, keys::tag kind,
                                          rocksdb::WriteBatch& moves) {
  const auto begin = keys::single(kind);
  const auto end = keys::end_of(kind);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(read, of(which)));
  for (row->Seek(begin); row->Valid(); row->Next()) {
    const auto key = row->key().ToStringView();
    const auto value = row->value().ToStringView();
    if (open_or_note(key, value, name_of_key(key))) continue;
    if (open_record(key, value).is == opened_record::kind::later) continue;
    if (auto err = move_aside(which, key, value, moves)) return err;
  }
  return failure(row->status(), "reading what the router learned");
}

caf::error route_store::state::move_aside(route_family which, std::string_view key,
                                          std::string_view value, rocksdb::WriteBatch& moves) {
  auto* const meta = of(route_family::meta);
  std::string content;
  keys::append_u32(content, static_cast<std::uint32_t>(key.size()));
  content.append(key).append(value);
  auto status = moves.Put(meta, keys::numbered(keys::tag::route_aside, next_aside++), content);
  for (; status.ok() && next_aside - first_aside > asides_kept_max; ++first_aside)
    status = moves.Delete(meta, keys::numbered(keys::tag::route_aside, first_aside));
  if (status.ok()) status = moves.Delete(of(which), rocksdb::Slice(key.data(), key.size()));
  return failure(status, "setting a damaged record aside");
}

caf::expected<std::optional<std::uint64_t>> route_store::state::edge_number(route_family which,
                                                                            keys::tag kind,
                                                                            bool highest) const {
  const auto begin = keys::single(kind);
  const auto end = keys::end_of(kind);
  const rocksdb::Slice begin_slice(begin);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &begin_slice;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(read, of(which)));
  for (highest ? row->SeekToLast() : row->SeekToFirst(); row->Valid();
       highest ? row->Prev() : row->Next())
    if (const auto number = keys::number_of(kind, row->key().ToStringView()))
      return std::optional{*number};
  if (auto err = failure(row->status(), "opening what the router learned")) return err;
  return std::optional<std::uint64_t>{};
}

caf::error route_store::state::load_numbers() {
  auto first = edge_number(route_family::decisions, keys::tag::decision_order, false);
  if (!first) return std::move(first.error());
  auto last = edge_number(route_family::decisions, keys::tag::decision_order, true);
  if (!last) return std::move(last.error());
  auto change = edge_number(route_family::meta, keys::tag::route_change, true);
  if (!change) return std::move(change.error());
  next_sequence = last->value_or(next_sequence - 1) + 1;
  first_sequence = first->value_or(next_sequence);
  next_change = change->value_or(next_change - 1) + 1;
  return {};
}

route_store::route_store(std::unique_ptr<state> state) : state_(std::move(state)) {}
route_store::~route_store() = default;

caf::expected<std::unique_ptr<route_store>> route_store::open(const route_store_options& options) {
  auto opened = std::make_unique<state>(options);
  if (auto err = opened->open()) return err;
  return std::unique_ptr<route_store>(new route_store(std::move(opened)));
}

caf::error route_store::write(const route_batch& batch) {
  const std::lock_guard lock(state_->mutex);
  return state_->write(batch);
}

std::uint64_t route_store::decisions_kept() const {
  const std::lock_guard lock(state_->mutex);
  return state_->next_sequence - state_->first_sequence;
}

std::vector<std::string> route_store::set_aside() const {
  const std::lock_guard lock(state_->mutex);
  return state_->asides.sentences();
}

}  // namespace tandem::storage
