#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "schema/weights.capnp.h"

namespace tandem {

/// SHA-256.
using weight_hash = std::array<std::uint8_t, 32>;

[[nodiscard]] std::string to_hex(const weight_hash& hash);
[[nodiscard]] caf::expected<weight_hash> weight_hash_from(std::string_view bytes);

struct manifest_file {
  /// Relative, '/' between names.
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<weight_hash> chunks;
};

/// Where a chunk lies.
struct chunk_place {
  std::size_t file = 0;
  /// In the file.
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
};

/// What a version of weights is made of; see WeightManifest in schema/weights.capnp, which is how
/// it is kept, sent and named. Chunks are counted over all files, in order.
struct weight_manifest {
  std::uint32_t chunk_bytes = 0;
  std::vector<manifest_file> files;
  schema::WeightFormat format = schema::WeightFormat::UNKNOWN;
  std::string architecture;
  weight_hash shapes{};
  std::uint64_t parameters = 0;
  std::string types;

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::size_t chunk_count() const;
  [[nodiscard]] chunk_place place(std::size_t chunk) const;
  [[nodiscard]] const weight_hash& chunk_hash(std::size_t chunk) const;
};

inline constexpr std::uint32_t chunk_bytes_default = 1024 * 1024;
inline constexpr std::uint32_t chunk_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t manifest_files_max = 4096;
inline constexpr std::size_t manifest_bytes_max = std::size_t{64} * 1024 * 1024;

/// The bytes that are kept, sent and hashed: one segment, canonical.
[[nodiscard]] std::string encode(const weight_manifest& manifest);
/// Checks everything: names (no `..`, no absolute path, no control characters, nothing twice, no
/// file below a file), sizes, counts. `malformed_message` says what is wrong.
[[nodiscard]] caf::expected<weight_manifest> decode_manifest(std::string_view bytes);
[[nodiscard]] weight_hash hash_of(std::string_view bytes);

/// Reads a GGUF file (or one of safetensors; alone it is called `model.gguf` whatever it is called
/// where it lies, so that versions can be compared), or a folder (safetensors with what lies beside
/// them, or GGUF; every file in it, links not followed out of it), checks the headers and hashes
/// all chunks, on `threads` threads. `invalid_argument`: no such file, a header that is wrong, and
/// where. `cancelled` once `stop` is set. chunk_bytes 0: as fits the size, at most 65,536 chunks.
[[nodiscard]] caf::expected<weight_manifest> read_manifest(const std::filesystem::path& path,
                                                           std::uint32_t chunk_bytes = 0,
                                                           unsigned threads = 2,
                                                           const std::atomic<bool>* stop = nullptr);

/// The chunk of `base` at the same place of the file of the same name, of the same size: what a
/// difference is made to.
[[nodiscard]] std::optional<std::size_t> same_place(const weight_manifest& next, std::size_t chunk,
                                                    const weight_manifest& base);

/// Why `next` cannot take the place of `now` in an engine (architecture, format, shapes), with
/// both; empty: it can.
[[nodiscard]] std::string why_no_fit(const weight_manifest& next, const weight_manifest& now);

}  // namespace tandem
