#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace tandem {

/// `[embeddings]`: a server that turns texts into vectors.
struct embedding_config {
  /// `http://host:port` or `https://...`, with or without a path before `/v1`; empty: none.
  std::string url;
  /// As the server calls it.
  std::string model;
  /// Where its API key is; one of both, or none.
  std::filesystem::path api_key_file;
  std::string api_key_env;
  /// Empty: the system's authorities.
  std::filesystem::path ca_file;
  /// Of one request, connecting included.
  std::chrono::milliseconds timeout{200};
  /// Vectors that are remembered; 4 bytes a dimension each. 0: none.
  std::uint32_t cache_entries = 4096;
  /// Requests under way; more are refused.
  std::uint32_t requests_max = 16;
};

}  // namespace tandem
