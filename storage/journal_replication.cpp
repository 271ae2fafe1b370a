#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/batch_check.hpp"
#include "storage/copy_folder.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/snapshot.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

caf::error journal::state::load_position() {
  std::string value;
  const auto status =
      db->Get(rocksdb::ReadOptions(), of(family::meta), keys::single(keys::tag::position), &value);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return failure(status, "opening the journal");
  const auto found = parse_position_value(value);
  if (!found) return corrupted_error("the log's position is unreadable", folder);
  position = *found;
  return {};
}

caf::error journal::state::check_is_no_copy() const {
  if (folder.empty()) return {};
  if (auto err = mend_copy_folder(*file_system, folder)) return err;
  if (!is_marked_copy(*file_system, folder)) return {};
  return make_error(errc::conflict, "the folder " + folder +
                                        " holds a copy of another node's journal: it is opened as "
                                        "a journal only when it takes over. Name another folder.");
}

caf::error journal::state::check_family_numbers() const {
  for (std::size_t i = 0; i < handles.size(); ++i)
    if (handles[i]->GetID() != i)
      return corrupted_error("the database's families are in another order than this Tandem's",
                             folder);
  return {};
}

caf::error journal::state::start_epoch(std::uint64_t next_epoch, write_sink to) {
  if (next_epoch <= position.epoch)
    return make_error(errc::conflict, "the journal in " + folder + " cannot begin epoch " +
                                          std::to_string(next_epoch) + ": its log is in epoch " +
                                          std::to_string(position.epoch) + " already");
  if (auto err = check_family_numbers()) return err;
  epoch = next_epoch;
  sink = std::move(to);
  rocksdb::WriteBatch first;
  if (auto err = give_out(first)) return err;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return failure(db->Write(synced, &first), "beginning an epoch");
}

caf::error journal::state::give_out(rocksdb::WriteBatch& batch) {
  replica_write write;
  write.previous_epoch = position.epoch;
  write.at = {epoch, position.sequence + 1};
  const auto status =
      batch.Put(of(family::meta), keys::single(keys::tag::position), position_value(write.at));
  if (!status.ok()) return failure(status, "a commit");
  write.batch = batch.Data();
  write.files = std::exchange(outgoing_files, {});
  position = write.at;
  sink(std::move(write));
  return {};
}

caf::error journal::start_epoch(std::uint64_t epoch, write_sink sink) {
  const std::lock_guard lock(state_->write_mutex);
  if (state_->failed) return state_->failed;
  if (epoch <= state_->position.epoch) return state_->start_epoch(epoch, std::move(sink));
  if (auto err = state_->start_epoch(epoch, std::move(sink))) state_->failed = std::move(err);
  return state_->failed;
}

log_position journal::position() const {
  const std::lock_guard lock(state_->write_mutex);
  return state_->position;
}

caf::expected<std::uint64_t> journal::copy() const {
  return copy_id(*state_->file_system, state_->folder);
}

caf::expected<std::unique_ptr<snapshot_reader>> journal::snapshot() {
  const std::lock_guard lock(state_->write_mutex);
  if (state_->failed) return state_->failed;
  return std::unique_ptr<snapshot_reader>(new snapshot_reader(*state_, state_->position));
}

}  // namespace tandem::storage
