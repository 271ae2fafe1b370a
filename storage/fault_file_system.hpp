#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

/// What a fault can hit.
enum class disk_operation : std::uint8_t {
  /// Making a file.
  create,
  append,
  /// fdatasync or fsync of a file, or fsync of a folder.
  sync,
};

enum class disk_fault : std::uint8_t { no_space, io_error, read_only };

/// Makes the disk fail; shared by a test and the file systems it made. Any thread.
class fault_switch {
 public:
  /// Operations of this kind fail with `fault` after the next `passing` ones, until clear().
  void fail(disk_operation operation, disk_fault fault, std::uint64_t passing = 0);
  void clear();

  /// How many operations of this kind there were, failed ones too.
  [[nodiscard]] std::uint64_t count(disk_operation operation) const;

  /// For the file system: counts the operation and says whether it fails, and how.
  [[nodiscard]] bool hit(disk_operation operation, disk_fault& fault);

 private:
  struct rule {
    std::atomic<std::uint64_t> count{0};
    /// The count from which on operations fail.
    std::atomic<std::uint64_t> from{~std::uint64_t{0}};
    std::atomic<disk_fault> fault{disk_fault::io_error};
  };
  std::array<rule, 3> rules_;
};

/// For tests: RocksDB's default file system, with faults. A failing append writes half of its
/// bytes, as a full disk does.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> make_fault_file_system(
    std::shared_ptr<fault_switch> faults);

/// For tests: a file system whose process loses in a kill -9 what a machine loses in a power cut.
/// Bytes reach the real file when it is synced and are in this process's memory until then, also
/// after a close; a new or renamed file gets its real name when its folder is synced. Readers in
/// this process see everything. Removals and new folders are real at once, and RocksDB's own LOCK
/// and LOG files are not held back.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> make_hold_unsynced_file_system(
    std::shared_ptr<fault_switch> faults = nullptr);

}  // namespace tandem::storage
