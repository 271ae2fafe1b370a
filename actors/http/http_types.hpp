#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// Where requests go and what they may cost. Made once and shared by all the requests to it: a
/// handle that has served an endpoint serves it again without being set up. A zero duration is no
/// limit.
struct http_endpoint {
  std::string method = "GET";
  /// `http` or `https`, without user and password.
  std::string url;
  /// `Name: value`. Never logged, never in an error's text.
  std::vector<std::string> headers;
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{2}};
  /// From the start to the first progress that the handler sees; connecting included.
  std::chrono::milliseconds first_timeout{0};
  /// Between two progresses.
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds total_timeout{0};
  /// Of one response with its headers.
  std::size_t response_bytes_max = std::size_t{16} * 1024 * 1024;
  /// Authorities that the server's certificate is checked against; empty: the system's.
  std::filesystem::path ca_file;
  /// What the client shows of itself, and its key, as PEM; empty: nothing.
  std::filesystem::path cert_file;
  std::filesystem::path key_file;
  /// False: any certificate of those authorities will do, whatever host it names.
  bool verify_name = true;
  /// Empty: none, whatever the environment says.
  std::string proxy;
};

struct http_head {
  int status = 0;
  std::string_view content_type;
  /// As the server wrote it.
  std::string_view retry_after;
};

/// What a handler makes of a piece of a body.
enum class http_next {
  /// Go on; the timeouts run on as well.
  waiting,
  /// Go on; something came that was waited for.
  progressed,
  /// End it: the connection is closed, the outcome is `stopped`.
  stop,
};

/// How an exchange ended, in classes that callers act upon.
enum class http_failure {
  /// A whole response came, whatever its status.
  none,
  /// By cancel() or the end of the loop.
  cancelled,
  /// By the handler.
  stopped,
  /// The loop has too many exchanges.
  overloaded,
  /// A URL, CA file, certificate or proxy that cannot be used.
  invalid,
  /// No such host.
  resolve,
  connect,
  connect_timeout,
  /// A certificate that does not match, or a failed handshake.
  tls,
  first_timeout,
  idle_timeout,
  total_timeout,
  too_large,
  redirect,
  /// Reset, cut, or no HTTP.
  broken,
};

struct http_outcome {
  http_failure failure = http_failure::none;
  /// 0: no response.
  int status = 0;
  /// In words; empty with `none`. Without secrets.
  std::string text;
  /// Of the response, headers included.
  std::uint64_t bytes = 0;
};

/// One exchange's receiver. All calls come on the loop's thread, on_end once and last. They must
/// not block; they may call the loop.
class http_handler {
 public:
  http_handler() = default;
  http_handler(const http_handler&) = delete;
  http_handler& operator=(const http_handler&) = delete;
  virtual ~http_handler() = default;

  /// The final response's head; its texts are valid during the call.
  virtual void on_head(const http_head&) {}
  virtual http_next on_body(std::string_view bytes) = 0;
  virtual void on_end(http_outcome outcome) = 0;
};

}  // namespace tandem
