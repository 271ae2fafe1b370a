#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// Why a request is refused. `why` is static text.
struct http_refusal {
  unsigned status = 0;
  std::string_view why;
  explicit operator bool() const { return status != 0; }
};

struct head_limits {
  /// From the first byte of the request line to the end of the empty line; beyond it 431.
  std::size_t header_bytes_max = 16 * 1024;
  /// 414.
  std::size_t target_bytes_max = 8 * 1024;
  /// 431.
  std::size_t headers_max = 100;
  /// 413, before any of it is read where Content-Length says so.
  std::uint64_t body_bytes_max = 8 * 1024 * 1024;
};

/// What a request's head says. The views are into the bytes that were checked.
struct request_head {
  std::string_view method;
  /// As it was sent, without the scheme and host of an absolute form; `*` for OPTIONS.
  std::string_view raw_path;
  std::string_view query;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  /// 1: HTTP/1.1.
  unsigned minor_version = 1;
  std::uint64_t content_length = 0;
  bool is_chunked = false;
  bool keep_alive = true;
  /// Said so, or HTTP/1.0: there is no next request, and the client may shut down its side.
  bool is_last = false;
  bool expects_continue = false;

  [[nodiscard]] bool has_body() const { return is_chunked || content_length > 0; }
};

/// Looks for the end of a head in bytes that come in pieces. Says no as soon as it is certain:
/// a bare LF or NUL never waits for an end that does not come.
class head_scan {
 public:
  enum class result { more, found, refused };
  /// `bytes`: all since the head's first one, including those of the calls before.
  [[nodiscard]] result look(std::string_view bytes, const head_limits& limits);
  /// After `found`: with the empty line.
  [[nodiscard]] std::size_t size() const { return seen_; }
  [[nodiscard]] http_refusal why() const { return why_; }

 private:
  [[nodiscard]] result refuse(unsigned status, std::string_view why);

  std::size_t seen_ = 0;
  std::size_t line_ = 0;
  http_refusal why_;
};

/// The strict reading of a whole head (with its empty line), by RFC 9112 and without its lenience:
/// whatever a proxy in front might read otherwise than we do is refused. `out` is complete only
/// without a refusal.
[[nodiscard]] http_refusal check_head(std::string_view head, const head_limits& limits,
                                      request_head& out);

/// Percent-decodes a path. Refused: what is no path, and what could be another path for somebody
/// else (NUL and control characters, `%2f`, backslashes, `.`, `..`, `//`).
[[nodiscard]] http_refusal decode_path(std::string_view raw, std::string& out);

/// RFC 9110: a method, or the name of a header.
[[nodiscard]] bool is_token(std::string_view text);
/// No control characters but the tab.
[[nodiscard]] bool is_field_value(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace tandem
