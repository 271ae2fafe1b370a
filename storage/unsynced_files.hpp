#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

/// The file system behind make_hold_unsynced_file_system(): see there. Held bytes live in memory
/// without a bound.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> make_unsynced_files(
    const std::shared_ptr<rocksdb::FileSystem>& below);

}  // namespace tandem::storage
