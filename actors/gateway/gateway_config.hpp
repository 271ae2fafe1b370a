#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// `[http]` in the config file: the node's front door.
struct gateway_config {
  /// `host:port`; port 0: any. Empty: the node has none.
  std::string listen;
  /// PEM. Needed where `listen` is no loopback address.
  std::filesystem::path cert_file, key_file;
  /// On loopback too, nothing without a key. Elsewhere it is always so.
  bool require_key = false;
  /// Threads that read and write; each connection stays on one.
  std::uint32_t threads = 1;
  std::uint32_t connections_max = 16'384;
  std::uint32_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = std::size_t{8} * 1024 * 1024;
  /// Of all bodies and answers that are in memory at once.
  std::size_t memory_bytes_max = std::size_t{1} << 30;
  /// For the head of a request, and between two pieces of its body.
  std::chrono::milliseconds read_timeout{std::chrono::seconds{10}};
  /// A connection without a request.
  std::chrono::milliseconds idle_timeout{std::chrono::minutes{1}};
  /// A client that reads nothing.
  std::chrono::milliseconds write_timeout{std::chrono::seconds{30}};
  /// Of one client: more that it does not read ends its answer.
  std::size_t stream_bytes_max = std::size_t{1} << 20;
  /// A stream that says nothing gets a comment so often.
  std::chrono::milliseconds stream_pulse{std::chrono::seconds{15}};
  /// Calls and jobs of clients that wait at once.
  std::uint32_t requests_max = 8192;
  /// Of calls that say nothing.
  std::chrono::milliseconds call_timeout{std::chrono::minutes{10}};
  /// Tokens to write, of calls that say nothing.
  std::uint32_t max_tokens = 4096;
  /// Origins of web pages that may call: `https://chat.example.com`. The node's own page always
  /// may.
  std::vector<std::string> origins;
};

}  // namespace tandem
