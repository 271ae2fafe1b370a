#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/weights/weight_manifest.hpp"

namespace tandem {

/// The weights that a node has, below one folder:
///   manifests/HASH           manifests by their hash
///   complete/HASH/...        all files of one, read-only, whole; comes into being by one rename
///   incoming/HASH/...        what has come of one, preallocated; `have` beside it says which
///   chunks
/// Chunks that were put survive kill -9; those since the last sync are looked at again after a
/// power cut. Callable from any thread.
class version_store {
 public:
  struct options {
    /// All together; beyond it, or with less than `free_bytes_min` left on the disk, begin()
    /// refuses.
    std::uint64_t bytes_max = std::uint64_t{1} << 42;
    std::uint64_t free_bytes_min = std::uint64_t{1} << 30;
  };

  /// Clears away what was half removed or half begun, and hashes again what was put since the last
  /// sync (256 MiB at most of each version). `locked` while another process has it open.
  [[nodiscard]] static caf::expected<std::shared_ptr<version_store>> open(
      const std::filesystem::path& folder, const options& limits);
  ~version_store();

  /// Manifests here, complete or not.
  [[nodiscard]] std::vector<weight_hash> list() const;
  [[nodiscard]] bool is_complete(const weight_hash& manifest) const;
  /// `not_found`; its encoded bytes.
  [[nodiscard]] caf::expected<std::string> manifest_bytes(const weight_hash& manifest) const;
  [[nodiscard]] caf::expected<weight_manifest> manifest(const weight_hash& manifest) const;
  /// What an engine loads: the file where there is one alone, else the folder. `not_found` unless
  /// it is complete.
  [[nodiscard]] caf::expected<std::filesystem::path> path_of(const weight_hash& manifest) const;

  /// Copies (by reflink where the file system can) the files of `source`, whose manifest this is,
  /// verifies every chunk of the copy, and makes it complete.
  [[nodiscard]] caf::error add(const weight_manifest& manifest, const std::filesystem::path& source,
                               const std::atomic<bool>* stop = nullptr);

  /// Makes room for an incoming version: `storage_failed` with how much is missing where the disk
  /// is too full. Goes on with what had come of it. Chunks that complete versions here have too are
  /// taken from them. Nothing to do when it is complete.
  [[nodiscard]] caf::error begin(const std::string& manifest_bytes);
  /// Verified, written; `corrupted` when the bytes are not that chunk.
  [[nodiscard]] caf::error put(const weight_hash& manifest, std::size_t chunk,
                               std::span<const std::uint8_t> bytes);
  /// A bit for each chunk, lowest first; all for a complete one. Empty: unknown manifest.
  [[nodiscard]] std::vector<std::uint8_t> have(const weight_hash& manifest) const;
  [[nodiscard]] bool has_chunk(const weight_hash& manifest, std::size_t chunk) const;
  /// Bytes of a chunk that is there; read into `out`, resized.
  [[nodiscard]] caf::error read(const weight_hash& manifest, std::size_t chunk,
                                std::vector<std::uint8_t>& out) const;
  /// All chunks are there: syncs, renames, syncs. `conflict` when some are missing.
  [[nodiscard]] caf::error finish(const weight_hash& manifest);
  /// Whole or in part; a version that is being read stays readable for who has it open.
  [[nodiscard]] caf::error remove(const weight_hash& manifest);

  /// The complete version here that has most in common with `next` by file names and sizes, as the
  /// base of differences; `next` itself never.
  [[nodiscard]] std::optional<weight_hash> base_for(const weight_manifest& next) const;
  [[nodiscard]] std::uint64_t bytes_on_disk() const;

 private:
  struct state;
  explicit version_store(std::unique_ptr<state> parts);
  std::unique_ptr<state> state_;
};

}  // namespace tandem
