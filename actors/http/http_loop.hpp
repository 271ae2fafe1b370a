#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "actors/http/http_types.hpp"

namespace tandem {

struct http_loop_options {
  /// Exchanges at once; more end at once as `overloaded`.
  std::size_t exchanges_max = 16384;
  /// Open connections, busy and idle; more exchanges wait for one.
  std::size_t connections_max = 8192;
  /// Connections kept open for later.
  std::size_t idle_connections_max = 1024;
};

class http_core;

/// The HTTP client of a node: one thread, one event loop, any number of exchanges. HTTP/1.1 with
/// kept connections; a request on a kept connection that turns out to be closed is sent again on a
/// new one if no byte of a response came. TLS is always verified, no redirect is followed, nothing
/// is read from the environment. Every function is callable from any thread, those of handlers
/// included.
class http_loop {
 public:
  explicit http_loop(const http_loop_options& options = http_loop_options{});
  http_loop(const http_loop&) = delete;
  http_loop& operator=(const http_loop&) = delete;
  /// Ends every exchange as `cancelled`, and waits for its last call (but not for itself, when a
  /// handler destroys it). Functions that still wait in call_after() are dropped.
  ~http_loop();

  /// Sends `body` (with any method but GET) to the endpoint. Returns the exchange's number.
  /// `headers`: of this request alone, as in http_endpoint.
  std::uint64_t start(std::shared_ptr<const http_endpoint> endpoint, std::string body,
                      std::shared_ptr<http_handler> handler, std::vector<std::string> headers = {});
  /// Ends it soon as `cancelled` and closes its connection; nothing if it has ended.
  void cancel(std::uint64_t exchange);
  /// Calls `function` on the loop's thread.
  void call_after(std::chrono::milliseconds pause, std::function<void()> function);
  [[nodiscard]] bool in_loop() const noexcept;
  /// Exchanges under way, as of the loop's last turn.
  [[nodiscard]] std::size_t running() const noexcept;

 private:
  std::shared_ptr<http_core> core_;
  std::thread thread_;
};

}  // namespace tandem
