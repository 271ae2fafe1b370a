#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

/// A record's value begins with one of these. Retired: none.
enum class value_marker : std::uint8_t {
  /// The record follows.
  bytes = 0x00,
  /// file u64, size u64, CRC-32C u32 follow, big-endian.
  file = 0x01,
};

/// Where a record's bytes lie and what they must be.
struct payload_ref {
  /// Random: a record that is written again gets another file, so that the old value keeps its own
  /// until the batch commits.
  std::uint64_t file = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t crc32c = 0;
};

[[nodiscard]] std::string encode_payload_ref(const payload_ref& ref);
/// Nothing when `value` is no complete reference.
[[nodiscard]] std::optional<payload_ref> decode_payload_ref(std::string_view value);

/// Records that are too big for the database: `<folder>/<job>/<record number>-<file>`. A file is
/// written, synced and named in its folder before the batch that refers to it commits, and never
/// changed: what a crash leaves behind is a file that no record refers to. One thread writes, any
/// thread reads.
class payload_store {
 public:
  /// `folder` must be in a folder that exists.
  payload_store(std::shared_ptr<rocksdb::FileSystem> file_system, std::string folder);

  /// Makes the folder.
  [[nodiscard]] caf::error prepare();

  /// With `sync` the bytes are on the disk afterwards, and after sync_folders() their name, too.
  [[nodiscard]] caf::expected<payload_ref> write(std::uint64_t job, std::uint32_t number,
                                                 std::span<const std::byte> bytes, bool sync);
  /// The same under a number that another store gave the file.
  [[nodiscard]] caf::error write_named(std::uint64_t job, std::uint32_t number, std::uint64_t file,
                                       std::span<const std::byte> bytes, bool sync);
  [[nodiscard]] caf::error sync_folders();

  /// `corrupted`, naming the file, when it is missing or is not what `ref` says.
  [[nodiscard]] caf::expected<std::vector<std::byte>> read(std::uint64_t job, std::uint32_t number,
                                                           const payload_ref& ref) const;

  /// Jobs that have a folder here.
  [[nodiscard]] caf::expected<std::vector<std::uint64_t>> jobs() const;
  /// Removes the job's files but those named in `kept`, and the folder when nothing is kept.
  [[nodiscard]] caf::error remove_files(std::uint64_t job, const std::set<std::string>& kept);

  [[nodiscard]] static std::string file_name(std::uint32_t number, const payload_ref& ref);

 private:
  [[nodiscard]] std::string job_folder(std::uint64_t job) const;

  std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::string folder_;
  std::uint64_t next_file_;
  std::set<std::uint64_t> unsynced_jobs_;
};

}  // namespace tandem::storage
