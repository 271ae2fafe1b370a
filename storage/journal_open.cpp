#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/log_check.hpp"
#include "storage/normal_folder.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

// Raised when an older program could misread the folder.
constexpr std::uint64_t format_version = 1;

constexpr const char* database_folder = "/db";
constexpr const char* payloads_folder = "/payloads";
constexpr const char* pid_file = "/pid";
// A folder whose database is gone must not look like a new one.
constexpr const char* identity_file = "/journal";

caf::expected<journal_id> random_journal_id() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits)))
    return to_error(errno, "making a journal id", "getrandom");
  bits &= (std::uint64_t{1} << journal_id_bits) - 1;
  // 0 would look like no journal.
  return journal_id{bits == 0 ? 1 : bits};
}

}  // namespace

journal::state::state(journal_options given)
    : options(std::move(given)),
      folder(normal_folder(options.folder)),
      file_system(options.file_system ? options.file_system : rocksdb::FileSystem::Default()),
      env(rocksdb::NewCompositeEnv(file_system)),
      payloads(file_system, folder + payloads_folder) {}

journal::state::~state() {
  if (!db) return;
  // What is in tables now needs no replay at the next start, and each block of it has a checksum.
  if (!failed) {
    rocksdb::FlushOptions flush;
    flush.allow_write_stall = true;
    db->Flush(flush, handles).PermitUncheckedError();
  }
  std::error_code ignored;
  std::filesystem::remove(folder + pid_file, ignored);
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db->Close().PermitUncheckedError();
}

caf::error journal::state::make_folder() const {
  if (folder.empty())
    return make_error(errc::invalid_argument, "the journal has no folder: name one");
  std::error_code code;
  if (std::filesystem::is_directory(folder, code)) return {};
  const auto parent = std::filesystem::path(folder).parent_path();
  std::filesystem::create_directories(parent, code);
  if (code) return to_error(code.value(), "making a folder", parent.string());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return to_error(errno, "making a folder", folder);
  if (!std::filesystem::is_directory(folder, code))
    return to_error(ENOTDIR, "opening a folder", folder);
  return sync_folder(parent.string());
}

caf::error journal::state::sync_folder(const std::string& path) const {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  auto status = file_system->NewDirectory(path, rocksdb::IOOptions(), &directory, nullptr);
  if (status.ok()) status = directory->Fsync(rocksdb::IOOptions(), nullptr);
  return to_error(status, "syncing a folder", path);
}

caf::error journal::state::locked_error() const {
  std::string holder;
  std::ifstream(folder + pid_file) >> holder;
  long pid = 0;
  const auto* end = holder.data() + holder.size();
  const bool known = std::from_chars(holder.data(), end, pid).ptr == end && pid > 0;
  return make_error(errc::locked, "the journal in " + folder + " is open in another process" +
                                      (known ? " (pid " + std::to_string(pid) + ")" : "") +
                                      ". Stop that one, or name another folder.");
}

// Under the lock, or a log that another process writes right now would look damaged.
caf::error journal::state::check_logs_under_lock() const {
  const auto database = folder + database_folder;
  const rocksdb::IOOptions io;
  if (options.accept_torn_log ||
      file_system->FileExists(database + "/LOCK", io, nullptr).IsNotFound())
    return {};
  rocksdb::FileLock* lock = nullptr;
  const auto status = file_system->LockFile(database + "/LOCK", io, &lock, nullptr);
  if (is_lock_conflict(status)) return locked_error();
  if (!status.ok()) return failure(status, "opening the journal");
  auto err = check_logs(*file_system, database);
  file_system->UnlockFile(lock, io, nullptr).PermitUncheckedError();
  return err;
}

caf::error journal::state::with_torn_log_advice(const caf::error& err) const {
  if (code_of(err) != errc::corrupted || options.accept_torn_log) return err;
  return make_error(errc::corrupted,
                    message_of(err) +
                        " If the machine lost power in the middle of a write, accept_torn_log "
                        "opens it once with all that lies before the damage.");
}

caf::error journal::state::open_database() {
  if (auto err = check_logs_under_lock()) return with_torn_log_advice(err);
  auto setup = make_rocksdb_setup(options, env.get());
  cache = setup.cache;
  write_buffers = setup.write_buffers;
  const auto known = file_system->FileExists(folder + identity_file, rocksdb::IOOptions(), nullptr);
  setup.db.create_if_missing = !known.ok();
  rocksdb::DB* opened = nullptr;
  const auto status =
      rocksdb::DB::Open(setup.db, folder + database_folder, setup.families, &handles, &opened);
  db.reset(opened);
  if (is_lock_conflict(status)) return locked_error();
  if (status.IsCorruption()) return with_torn_log_advice(failure(status, "opening the journal"));
  if (!status.ok()) return failure(status, "opening the journal");
  return payloads.prepare();
}

caf::error journal::state::check_identity() {
  auto format = read_number(family::meta, keys::single(keys::tag::format_version));
  if (!format) return std::move(format.error());
  auto named = read_number(family::meta, keys::single(keys::tag::journal_id));
  if (!named) return std::move(named.error());
  if (*format && **format > format_version)
    return make_error(errc::corrupted, "the journal in " + folder + " has format " +
                                           std::to_string(**format) + ", this Tandem knows up to " +
                                           std::to_string(format_version) +
                                           ". Use the newer Tandem, or name another folder.");
  if (format->has_value() != named->has_value())
    return corrupted_error("the journal has lost its id", folder);
  if (*named) {
    id = journal_id{**named};
  } else {
    auto made = random_journal_id();
    if (!made) return std::move(made.error());
    id = *made;
    rocksdb::WriteBatch first;
    auto status = first.Put(of(family::meta), keys::single(keys::tag::format_version),
                            keys::number_value(format_version));
    if (status.ok())
      status = first.Put(of(family::meta), keys::single(keys::tag::journal_id),
                         keys::number_value(id.value));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    if (status.ok()) status = db->Write(synced, &first);
    if (!status.ok()) return failure(status, "making the journal");
  }
  return check_identity_file();
}

caf::error journal::state::check_identity_file() {
  const auto path = folder + identity_file;
  const auto expected = to_string(id) + "\n";
  std::string written;
  auto status = rocksdb::ReadFileToString(file_system.get(), path, &written);
  if (status.ok()) {
    if (written == expected) return {};
    return corrupted_error("the journal's folder belongs to journal " +
                               written.substr(0, written.find('\n')) + ", its database to " +
                               to_string(id),
                           path);
  }
  if (!status.IsNotFound() && !status.IsPathNotFound())
    return to_error(status, "reading a file", path);
  // Renamed into place, so that it is whole or not there.
  const auto temporary = path + ".new";
  status = rocksdb::WriteStringToFile(file_system.get(), expected, temporary, /*should_sync=*/true);
  if (status.ok()) status = file_system->RenameFile(temporary, path, rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return failure(status, "making the journal");
  return sync_folder(folder);
}

caf::error journal::state::load() {
  auto purged = read_number(family::meta, keys::single(keys::tag::highest_purged_job));
  if (!purged) return std::move(purged.error());
  highest_purged = purged->value_or(0);
  saw_job(highest_purged);

  constexpr std::pair<family, keys::tag> named_by_job[] = {
      {family::records, keys::tag::record},
      {family::summaries, keys::tag::summary},
      {family::client_keys, keys::tag::job_client_key},
  };
  for (const auto& [which, kind] : named_by_job) {
    const std::unique_ptr<rocksdb::Iterator> last(
        db->NewIterator(rocksdb::ReadOptions(), of(which)));
    last->SeekToLast();
    if (!last->Valid()) {
      if (auto err = failure(last->status(), "opening the journal")) return err;
      continue;
    }
    if (const auto job = keys::job_of(kind, last->key().ToStringView())) saw_job(*job);
  }

  const std::unique_ptr<rocksdb::Iterator> unfinished(
      db->NewIterator(rocksdb::ReadOptions(), of(family::open)));
  for (unfinished->SeekToFirst(); unfinished->Valid(); unfinished->Next()) {
    const auto job = keys::job_of(keys::tag::open_job, unfinished->key().ToStringView());
    if (!job) return corrupted_error("an unfinished job's key is unreadable", folder);
    open.insert(*job);
    saw_job(*job);
  }
  if (auto err = failure(unfinished->status(), "opening the journal")) return err;
  return load_spending();
}

caf::error journal::state::load_spending() {
  constexpr std::uint64_t hours_kept = 62 * 24;
  const auto hour_now =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::hours>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  const auto oldest = hour_now > hours_kept ? hour_now - hours_kept : 0;
  const auto end = std::string(1, static_cast<char>(keys::tag::spending) + 1);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(read, of(family::meta)));
  rocksdb::WriteBatch old;
  for (row->Seek(keys::spending_begin(0)); row->Valid(); row->Next()) {
    const auto key = row->key().ToStringView();
    const auto value = row->value().ToStringView();
    constexpr std::size_t head = 1 + sizeof(std::uint64_t);
    if (key.size() < head || value.size() != 2 * sizeof(std::uint64_t))
      return corrupted_error("a tenant's spending is unreadable", folder);
    const auto hour = keys::read_u64(key.substr(1));
    // Old hours become one sum, for budgets that are never renewed.
    const auto kept = hour < oldest ? 0 : hour;
    auto& [tokens, cost] = spending[{kept, std::string(key.substr(head))}];
    tokens += keys::read_u64(value);
    cost += static_cast<std::int64_t>(keys::read_u64(value.substr(sizeof(std::uint64_t))));
    if (kept == hour) continue;
    if (auto err = failure(old.Delete(of(family::meta), row->key()), "opening the journal"))
      return err;
  }
  if (auto err = failure(row->status(), "opening the journal")) return err;
  if (old.Count() == 0) return {};
  for (const auto& [which, sum] : spending) {
    if (which.first != 0) break;
    std::string value;
    keys::append_u64(value, sum.first);
    keys::append_u64(value, static_cast<std::uint64_t>(sum.second));
    if (auto err = failure(old.Put(of(family::meta), keys::spending(0, which.second), value),
                           "opening the journal"))
      return err;
  }
  return failure(db->Write(rocksdb::WriteOptions(), &old), "opening the journal");
}

caf::error journal::state::remove_orphans() {
  // The last purge may have been cut off between its batch and its files.
  auto purged = read_number(family::meta, keys::single(keys::tag::purged_files));
  if (!purged) return std::move(purged.error());
  if (*purged)
    if (auto err = payloads.remove_files(**purged, {})) return err;

  // Only an unfinished job can have been written to when the process died.
  auto with_files = payloads.jobs();
  if (!with_files) return std::move(with_files.error());
  for (const auto job : *with_files) {
    if (open.count(job) == 0) continue;
    std::set<std::string> kept;
    const auto end = keys::record_end(job);
    const rocksdb::Slice end_slice(end);
    rocksdb::ReadOptions read;
    read.iterate_upper_bound = &end_slice;
    const std::unique_ptr<rocksdb::Iterator> found(db->NewIterator(read, of(family::records)));
    for (found->Seek(keys::record(job, 0)); found->Valid(); found->Next()) {
      const auto number = keys::record_number_of(found->key().ToStringView());
      const auto ref = decode_payload_ref(found->value().ToStringView());
      if (number && ref) kept.insert(payload_store::file_name(*number, *ref));
    }
    if (auto err = failure(found->status(), "opening the journal")) return err;
    if (auto err = payloads.remove_files(job, kept)) return err;
  }
  return {};
}

void journal::state::write_pid_file() const {
  std::ofstream(folder + pid_file) << ::getpid() << '\n';
}

}  // namespace tandem::storage
