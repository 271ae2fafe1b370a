#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/http_server/http_service.hpp"

namespace tandem {

struct web_server_options {
  std::string host = "127.0.0.1";
  /// 0: any.
  std::uint16_t port = 0;
  /// PEM; both or none. Read again when they change. Empty: no TLS. With them TLS 1.2 or later, and
  /// no certificate of clients is asked for.
  std::filesystem::path cert_file, key_file;
  std::uint32_t threads = 1;
  std::uint32_t connections_max = 16'384;
  /// Request line and headers; beyond it 431. Targets: 8 KiB (414); headers: 100 (431).
  std::uint32_t header_bytes_max = 16 * 1024;
  /// 413.
  std::size_t body_bytes_max = std::size_t{8} * 1024 * 1024;
  /// Of all bodies and unsent answers together: beyond it, 503.
  std::size_t memory_bytes_max = std::size_t{1} << 30;
  /// For a handshake, a head from its first byte to its last, and from piece to piece of a body,
  /// which after this time must also have come at 4 KB a second: 408.
  std::chrono::milliseconds read_timeout{std::chrono::seconds{10}};
  /// Between requests, and before the first.
  std::chrono::milliseconds idle_timeout{std::chrono::minutes{1}};
  /// A client that has not read 16 KiB, or all there is, in this time is dropped.
  std::chrono::milliseconds write_timeout{std::chrono::seconds{30}};
  /// Unsent pieces of one answer; beyond it the answer is ended, see http_reply::write.
  std::size_t stream_bytes_max = std::size_t{1} << 20;
};

/// HTTP/1.1 server on threads of its own: keep-alive, pipelining (one request at a time), chunked
/// bodies both ways, `Expect: 100-continue`, HEAD. Boost.Beast's parser beside a check of our own,
/// since Boost 1.74 lets requests through that a proxy reads otherwise. Everything is bounded:
/// connections (the longest idle one makes place, else 503), headers, bodies, time, memory. A
/// refused request ends its connection. A connection stays on one thread; an idle one holds no
/// buffers.
class web_server {
 public:
  struct counts {
    std::uint64_t connections = 0;
    std::uint64_t accepted = 0;
    std::uint64_t requests = 0;
    /// Answered 4xx, 501 or 505 by the server itself: no proper requests.
    std::uint64_t malformed = 0;
    /// Clients that left, or did not read, before their answer's end.
    std::uint64_t left = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };

  /// `invalid_argument`, `unavailable` (the port is taken), `not_authenticated` (certificate): the
  /// text says which setting to change.
  [[nodiscard]] static caf::expected<std::unique_ptr<web_server>> start(
      const web_server_options& options, std::shared_ptr<http_service> service);
  /// Answers under way are cut.
  ~web_server();
  web_server(const web_server&) = delete;
  web_server& operator=(const web_server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] counts count() const;
  /// Takes no new connections; idle ones are closed, the others after their answer.
  void drain();

 private:
  struct state;
  explicit web_server(std::unique_ptr<state> parts);
  std::unique_ptr<state> state_;
};

}  // namespace tandem
