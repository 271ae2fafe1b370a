#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// One request. Checked: HTTP/1.0 or 1.1, one Host (on 1.1), one way to say the body's length, no
/// folded lines, no control characters; see request_check.hpp. Names of headers are in lower case.
/// Methods are tokens that may be unknown; CONNECT and TRACE never come.
struct http_request {
  struct header {
    std::string name;
    std::string value;
  };

  std::string method;
  /// Decoded, absolute, without `.`, `..`, `//` and NUL: a target that has those is refused (400).
  /// `*` for OPTIONS alone.
  std::string path;
  /// As it was sent, without the `?`.
  std::string query;
  std::vector<header> headers;
  std::string body;
  /// Of the client: its address without the port.
  std::string peer;
  bool is_loopback = false;
  bool is_tls = false;

  /// The first of this name (in lower case); empty: none.
  [[nodiscard]] std::string_view find(std::string_view name) const {
    for (const auto& each : headers)
      if (each.name == name) return each.value;
    return {};
  }
};

/// A whole answer, or the head of one that is streamed. `Content-Length`, `Date`, `Connection` and
/// `Transfer-Encoding` are the server's. Values with control characters are dropped.
struct http_response {
  unsigned status = 200;
  /// Empty: none (204, 304).
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// Static bytes that outlive the server, sent in place of `body`.
  std::string_view fixed;
  /// The connection ends after it.
  bool close = false;
};

/// The way back to one client. Every function may be called from any thread, and none blocks. The
/// last one that holds it ends the answer: unsent, it becomes a 500; unfinished, its connection is
/// closed, so that the client sees that it was cut.
class http_reply {
 public:
  http_reply() = default;
  http_reply(const http_reply&) = delete;
  http_reply& operator=(const http_reply&) = delete;
  virtual ~http_reply() = default;

  /// The whole answer; once, and nothing after it.
  virtual void send(http_response answer) = 0;
  /// The head of an answer that comes in pieces (chunked; on HTTP/1.0 up to the connection's end).
  virtual void begin(http_response head) = 0;
  /// False: the client is gone, or has not read `stream_bytes_max` bytes: its answer is ended, and
  /// `on_gone` is called. Pieces go out as they come: none waits for the next.
  virtual bool write(std::string piece) = 0;
  virtual void end() = 0;
  /// `gone` is called once, on a thread of the server, if the client leaves before the service has
  /// given all of its answer; soon when it has left already. Not called after `send` or `end`, and
  /// not when the server itself ends. A client that shuts down its sending side while it waits has
  /// left, unless it had said `Connection: close` or speaks HTTP/1.0: from here a client that goes
  /// away looks the same.
  virtual void on_gone(std::function<void()> gone) = 0;
};

/// What answers requests. Both functions are called on the server's threads, for many connections
/// at once, and must not block.
class http_service {
 public:
  http_service() = default;
  http_service(const http_service&) = delete;
  http_service& operator=(const http_service&) = delete;
  virtual ~http_service() = default;

  /// The head has come, the body has not: an answer given here refuses it, and the connection is
  /// closed unless the body is short enough to be read and dropped.
  [[nodiscard]] virtual std::optional<http_response> look_at_head(const http_request& head) = 0;
  virtual void on_request(http_request request, std::shared_ptr<http_reply> reply) = 0;
  /// The answer to what is no proper request: `status` (400, 408, 413, 414, 417, 431, 500, 501,
  /// 503, 505) and why, in words. The status and the connection's end are the server's.
  [[nodiscard]] virtual http_response refuse(unsigned status, std::string_view why) = 0;
};

}  // namespace tandem
