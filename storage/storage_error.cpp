#include "storage/storage_error.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <rocksdb/status.h>

#include "schema/errc.hpp"

namespace tandem::storage {

namespace {

using rocksdb::Status;

std::string sentence(std::string_view operation, std::string_view where, std::string_view cause,
                     std::string_view mend) {
  std::string text;
  text.append(operation).append(" failed at ").append(where).append(": ").append(cause);
  text.append(". ").append(mend);
  return text;
}

std::string system_text(int system_error) {
  return std::generic_category().message(system_error);
}

std::string_view mend_of(int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT:
      return "The disk is full: make room and start again; what was acknowledged is kept.";
    case EROFS:
      return "The file system is read-only: mount it writable, or name another folder.";
    case EACCES:
    case EPERM:
      return "No permission: give this user the folder, or name another one.";
    case ENOTDIR:
    case EEXIST:
      return "It is no folder: name another one, or move that file away.";
    case EMFILE:
    case ENFILE:
      return "Too many open files: raise the limit (ulimit -n).";
    default:
      return "Look at the disk and the system's log, then start again; what was acknowledged is "
             "kept.";
  }
}

// RocksDB keeps an errno only as its text.
int system_error_of(const Status& status) {
  if (status.IsNoSpace()) return ENOSPC;
  const auto text = status.ToString();
  for (const int candidate : {EROFS, EACCES, EPERM, ENOTDIR, ENOSPC, EDQUOT, EMFILE, ENFILE})
    if (text.find(system_text(candidate)) != std::string::npos) return candidate;
  return EIO;
}

bool is_newer_format(const Status& status) {
  return status.IsInvalidArgument() && status.ToString().find("olumn famil") != std::string::npos;
}

}  // namespace

bool is_lock_conflict(const Status& status) {
  if (!status.IsIOError()) return false;
  const auto text = status.ToString();
  return text.find("lock hold by current process") != std::string::npos ||
         text.find("While lock file") != std::string::npos;
}

caf::error to_error(int system_error, std::string_view operation, std::string_view where) {
  return make_error(errc::storage_failed,
                    sentence(operation, where, system_text(system_error), mend_of(system_error)));
}

caf::error corrupted_error(std::string_view what, std::string_view where) {
  std::string text(what);
  text.append(" (").append(where).append("). ").append(mend_corrupted);
  return make_error(errc::corrupted, std::move(text));
}

caf::error to_error(const Status& status, std::string_view operation, std::string_view where) {
  if (status.ok()) return {};
  const auto cause = status.ToString();
  if (is_lock_conflict(status))
    return make_error(errc::locked, sentence(operation, where, cause,
                                             "Another process has it open: stop that one, or "
                                             "name another folder."));
  if (is_newer_format(status))
    return make_error(errc::corrupted, sentence(operation, where, cause,
                                                "The folder was written by a newer Tandem: use "
                                                "that one, or name another folder."));
  // A file that the database knows of and the folder lacks is damage, not a mere failure to read.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound() ||
      status.IsInvalidArgument())
    return make_error(errc::corrupted, sentence(operation, where, cause, mend_corrupted));
  return make_error(errc::storage_failed,
                    sentence(operation, where, cause, mend_of(system_error_of(status))));
}

}  // namespace tandem::storage
