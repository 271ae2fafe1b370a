#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/weights/version_store.hpp"

namespace tandem {

struct chunk_server_options {
  /// Where it listens; port 0: any.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  /// Certificate and key of the node, and the authority that clients' certificates must come from.
  std::filesystem::path cert_file, key_file, ca_file;
  /// Upload limit, all clients together; 0: none.
  std::uint64_t bytes_per_s = 0;
  std::size_t connections_max = 64;
  unsigned threads = 1;
};

/// Gives chunks of a version_store to other nodes: HTTP/1.1 over mutual TLS (1.2 or later), kept
/// connections.
///   GET /v1/manifests/HASH                     the encoded manifest
///   GET /v1/files/HASH/N   Range: bytes=A-B    of file number N: 206; 416 where not all of it is
///   here GET /v1/deltas/BASE/HASH/CHUNK             200 the difference to the chunk of the same
///   place in
///                                              BASE; 204 it would not be smaller; 404 not both
///                                              here
/// Anything else: 400, 404, 405 or 431, and the connection is closed. Bounded: connections, header
/// sizes, idle time, memory (one chunk a connection).
class chunk_server {
 public:
  [[nodiscard]] static caf::expected<std::unique_ptr<chunk_server>> start(
      std::shared_ptr<version_store> store, const chunk_server_options& options);
  ~chunk_server();
  [[nodiscard]] std::uint16_t port() const;
  /// Sent since the start.
  [[nodiscard]] std::uint64_t bytes_sent() const;

 private:
  struct state;
  explicit chunk_server(std::unique_ptr<state> parts);
  std::unique_ptr<state> state_;
};

}  // namespace tandem
