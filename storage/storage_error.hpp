#pragma once

#include <string_view>

#include <caf/error.hpp>

namespace rocksdb {
class Status;
}

namespace tandem::storage {

/// What a person can do about it, by kind; each begins with a capital letter and ends with a full
/// stop.
inline constexpr std::string_view mend_corrupted =
    "Restore the folder from a copy, or move it away to begin with an empty journal.";

/// `operation` at `where` (a folder or file) ended in `status`, mapped to an errc with how to mend
/// it. No error for OK.
[[nodiscard]] caf::error to_error(const rocksdb::Status& status, std::string_view operation,
                                  std::string_view where);

/// The same for an errno.
[[nodiscard]] caf::error to_error(int system_error, std::string_view operation,
                                  std::string_view where);

/// Whether the folder's lock is what failed.
[[nodiscard]] bool is_lock_conflict(const rocksdb::Status& status);

/// `corrupted` with `what`, `where` and how to mend it.
[[nodiscard]] caf::error corrupted_error(std::string_view what, std::string_view where);

}  // namespace tandem::storage
