#pragma once

#include <cstdint>
#include <string>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace rocksdb {
class FileSystem;
}

// The folder of a copy: a journal's, and the files `copy` and `replica`.
namespace tandem::storage {

/// The folder holds a copy that follows a journal elsewhere.
[[nodiscard]] bool is_marked_copy(rocksdb::FileSystem& files, const std::string& folder);
/// Sets the mark, or takes it away; durable when it returns.
[[nodiscard]] caf::error mark_copy(rocksdb::FileSystem& files, const std::string& folder,
                                   bool follows);

/// The name of what lies in this folder, random, made when there is none: an agreed set of copies
/// names them by it, since a node whose folder was deleted comes back with its name and nothing
/// else.
[[nodiscard]] caf::expected<std::uint64_t> copy_id(rocksdb::FileSystem& files,
                                                   const std::string& folder);
[[nodiscard]] caf::error write_copy_id(rocksdb::FileSystem& files, const std::string& folder,
                                       std::uint64_t id);

/// Puts `<folder>.new`, complete and durable, in the place of `folder`. A crash leaves the old one
/// or the new one, and mend_copy_folder() finds which.
[[nodiscard]] caf::error replace_folder(rocksdb::FileSystem& files, const std::string& folder);
/// Before a folder is opened: finishes what a crash cut off.
[[nodiscard]] caf::error mend_copy_folder(rocksdb::FileSystem& files, const std::string& folder);

}  // namespace tandem::storage
