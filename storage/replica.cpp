#include "storage/replica.hpp"

#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/batch_check.hpp"
#include "storage/copy_folder.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

replica::replica(std::unique_ptr<journal::state> state, std::uint64_t copy)
    : state_(std::move(state)), copy_(copy), known_epoch_(state_->position.epoch) {}
replica::~replica() = default;

caf::expected<std::unique_ptr<replica>> replica::open(const journal_options& options,
                                                      journal_id expected) {
  auto opened = std::make_unique<journal::state>(options);
  auto& files = *opened->file_system;
  const auto& folder = opened->folder;
  if (folder.empty()) return make_error(errc::invalid_argument, "the copy has no folder: name one");
  if (auto err = mend_copy_folder(files, folder)) return err;
  if (!files.FileExists(folder + "/journal", rocksdb::IOOptions(), nullptr).ok())
    return make_error(errc::not_found, "there is no copy in " + folder + ": it needs a snapshot");
  if (auto err = opened->open_database()) return err;
  if (auto err = opened->check_identity()) return err;
  if (opened->id != expected)
    return make_error(errc::conflict, "the folder " + folder + " holds journal " +
                                          to_string(opened->id) + ", not " + to_string(expected) +
                                          ": name another folder");
  if (auto err = opened->check_family_numbers()) return err;
  if (auto err = opened->load_position()) return err;
  auto copy = copy_id(files, folder);
  if (!copy) return std::move(copy.error());
  // Under the database's lock.
  if (auto err = mark_copy(files, folder, true)) return err;
  opened->write_pid_file();
  return std::unique_ptr<replica>(new replica(std::move(opened), *copy));
}

log_position replica::position() const {
  return state_->position;
}
std::uint64_t replica::copy() const {
  return copy_;
}
std::uint64_t replica::known_epoch() const {
  return known_epoch_;
}
void replica::learn_epoch(std::uint64_t epoch) {
  known_epoch_ = std::max(known_epoch_, epoch);
}

caf::error replica::write_files(const replica_write& write, durability level) {
  for (const auto& file : write.files) {
    const auto bytes = std::as_bytes(std::span(file.bytes));
    if (auto err = state_->payloads.write_named(file.job, file.number, file.file, bytes,
                                                level == durability::sync))
      return err;
  }
  return {};
}

replica::outcome replica::apply(std::span<const replica_write> writes, std::uint64_t epoch,
                                durability level) {
  outcome result;
  if (failed_) return {verdict::accept, failed_};
  if (epoch < known_epoch_) return {verdict::fenced, {}};
  learn_epoch(epoch);
  rocksdb::WriteBatch all;
  auto at = state_->position;
  std::vector<std::uint64_t> purged;
  std::vector<const replica_write*> accepted;
  for (const auto& write : writes) {
    const auto said = judge(at, write.at, write.previous_epoch);
    if (said == verdict::duplicate) continue;
    if (said != verdict::accept) {
      result.stopped = said;
      break;
    }
    checked_write found;
    all.SetSavePoint();
    result.failure = append_checked(write, state_->handles, all, found);
    if (result.failure) {
      all.RollbackToSavePoint().PermitUncheckedError();
      break;
    }
    all.PopSavePoint().PermitUncheckedError();
    if (found.purged_files != 0) purged.push_back(found.purged_files);
    accepted.push_back(&write);
    at = write.at;
  }
  if (accepted.empty()) return result;

  for (const auto* write : accepted)
    if ((failed_ = write_files(*write, level))) return {verdict::accept, failed_};
  if ((failed_ = state_->payloads.sync_folders())) return {verdict::accept, failed_};
  rocksdb::WriteOptions options;
  // Files must not go before what refers to them has gone for good.
  options.sync = level == durability::sync || !purged.empty();
  if ((failed_ = state_->failure(state_->db->Write(options, &all), "applying writes")))
    return {verdict::accept, failed_};
  state_->position = at;
  for (const auto job : purged)
    if ((failed_ = state_->payloads.remove_files(job, {}))) return {verdict::accept, failed_};
  return result;
}

caf::expected<std::unique_ptr<journal>> replica::promote(std::unique_ptr<replica> copy) {
  if (copy->failed_) return copy->failed_;
  const auto options = copy->state_->options;
  if (auto err = mark_copy(*copy->state_->file_system, copy->state_->folder, false)) return err;
  copy.reset();
  return journal::open(options);
}

}  // namespace tandem::storage
