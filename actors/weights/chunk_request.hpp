#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/weights/weight_manifest.hpp"

namespace tandem {

/// Of a request with all its headers.
inline constexpr std::size_t chunk_request_bytes_max = 8 * 1024;

/// What another node asks for; see chunk_server.
struct chunk_request {
  enum class kind { manifest, file, delta };
  /// 0: it can be looked at; else the status to refuse it with, and the connection is closed.
  unsigned refused = 0;
  kind what = kind::manifest;
  bool head_only = false;
  bool keep_alive = true;
  weight_hash hash{};
  weight_hash base{};
  /// Of a file: its number; of a difference: the chunk.
  std::size_t number = 0;
  /// Of a file, as in `bytes=A-B`. Without a range, or one that cannot be had: has_range is false.
  bool has_range = false;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Reads one request's line and headers, up to the empty line, strictly: what one reader could take
/// for another request than the next reader does is refused (400), as is any body. Never throws.
[[nodiscard]] chunk_request read_chunk_request(std::string_view head);

}  // namespace tandem
