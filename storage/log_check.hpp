#pragma once

#include <string>

#include <caf/error.hpp>

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

/// Finds the damage in RocksDB's write-ahead logs that its own recovery takes for a record cut off
/// at the end of a log: a length that points behind the end though whole records follow, and zeros
/// in the middle. All else is under RocksDB's checksums. `corrupted`, naming the log, when there is
/// such damage; `locked` is the caller's affair, who holds the folder's lock. Source of the format:
/// RocksDB's wiki, "Write Ahead Log File Format": blocks of 32 KiB; each record has a CRC-32C u32
/// (masked), a length u16 and a type u8, little-endian, and never crosses a block.
[[nodiscard]] caf::error check_logs(rocksdb::FileSystem& files, const std::string& folder);

}  // namespace tandem::storage
