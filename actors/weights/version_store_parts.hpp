// The parts of a version_store: for its own sources alone.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/version_store.hpp"

namespace tandem {

/// Which chunks of an incoming version are there, as a file that only grows: a header, then 8 bytes
/// for each chunk that was written before. A kill loses nothing of it, since what was written is
/// the kernel's; after a power cut the marks up to `synced` are true, the others may have outlived
/// the data that they speak of.
class chunk_marks {
 public:
  /// Begins a new file. The old one stays whole until the new one is.
  [[nodiscard]] static caf::expected<chunk_marks> create(const std::filesystem::path& path);
  /// Marks of one that is there; `synced` and `unsynced` are chunks below `count`.
  [[nodiscard]] static caf::expected<chunk_marks> open(const std::filesystem::path& path,
                                                       std::size_t count,
                                                       std::vector<std::size_t>& synced,
                                                       std::vector<std::size_t>& unsynced);
  [[nodiscard]] caf::error add(std::size_t chunk);
  [[nodiscard]] std::uint64_t size() const { return marks_; }
  /// All data of the first `marks` marks is on the disk.
  [[nodiscard]] caf::error synced(std::uint64_t marks);

 private:
  open_file file_;
  std::string name_;
  std::uint64_t marks_ = 0;
};

struct take_buffers {
  std::vector<std::uint8_t> source, copy;
};

/// One version that is here, whole or in part.
struct stored_version {
  weight_manifest manifest;
  weight_hash hash{};
  /// Its folder, wherever it is renamed to.
  open_file folder;
  /// Of each chunk, where it lies.
  std::vector<chunk_place> places;

  mutable std::mutex mutex;
  bool complete = false;
  bool removed = false;
  std::vector<bool> have;
  std::size_t have_count = 0;
  std::optional<chunk_marks> marks;
  std::uint64_t bytes_since_sync = 0;
  bool syncing = false;

  [[nodiscard]] bool has(std::size_t chunk) const;
  [[nodiscard]] caf::expected<open_file> open(std::size_t file, int flags) const;
  [[nodiscard]] caf::error read(std::size_t chunk, std::vector<std::uint8_t>& out) const;
  [[nodiscard]] bool verify(std::size_t chunk, std::vector<std::uint8_t>& buffer) const;
  /// The chunk is written: says so, and syncs now and then.
  [[nodiscard]] caf::error mark(std::size_t chunk);
  /// All its files; read-only from then on if `seal`.
  [[nodiscard]] caf::error sync_files(bool seal) const;
  /// And the folders that they are in, below this one.
  [[nodiscard]] caf::error sync_folders(const std::filesystem::path& root) const;
  /// Copies a chunk of an open file; false: it is another chunk that lies there.
  [[nodiscard]] caf::expected<bool> take(std::size_t chunk, int from, std::uint64_t offset,
                                         take_buffers& buffers);
};

using version_ptr = std::shared_ptr<stored_version>;

struct version_store::state {
  std::filesystem::path folder;
  options limits;
  open_file lock;
  /// Held while versions come, become complete or go; never while bytes are copied.
  std::mutex changing;
  mutable std::mutex mutex;
  std::map<weight_hash, version_ptr> versions;
  std::uint64_t trash_number = 0;

  [[nodiscard]] std::filesystem::path manifest_path(const weight_hash& hash) const;
  [[nodiscard]] std::filesystem::path complete_path(const weight_hash& hash) const;
  [[nodiscard]] std::filesystem::path incoming_path(const weight_hash& hash) const;
  [[nodiscard]] std::filesystem::path marks_path(const weight_hash& hash) const;

  [[nodiscard]] version_ptr find(const weight_hash& hash) const;
  [[nodiscard]] std::vector<version_ptr> all() const;

  [[nodiscard]] caf::error load();
  [[nodiscard]] caf::error load_one(const weight_hash& hash);
  [[nodiscard]] caf::error load_marks(stored_version& version) const;
  [[nodiscard]] caf::error throw_away(const std::filesystem::path& path);

  /// The version of these bytes, with room for all of it.
  [[nodiscard]] caf::expected<version_ptr> make_room(const std::string& manifest_bytes);
  [[nodiscard]] caf::error check_room(const weight_manifest& manifest) const;
  [[nodiscard]] caf::error allocate(stored_version& version) const;
  [[nodiscard]] caf::error take_equal_chunks(stored_version& version) const;
};

/// `not_found`, with the version's name.
[[nodiscard]] caf::error no_version(const weight_hash& hash);

}  // namespace tandem
