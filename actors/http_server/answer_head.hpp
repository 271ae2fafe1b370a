#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "actors/http_server/http_service.hpp"

namespace tandem {

/// How the end of an answer's body is said.
enum class answer_framing { none, length, chunked, until_close };

struct answer_frame {
  answer_framing framing = answer_framing::length;
  std::uint64_t length = 0;
  bool keep_alive = true;
  /// HTTP/1.0 closes unless it is told otherwise.
  bool is_old = false;
};

/// Appends status line and headers, with the empty line. What the service gives is sent only where
/// it can be: names that are tokens, values without control characters (dropped, so that no value
/// can begin a header of its own); `Content-Length`, `Transfer-Encoding`, `Connection` and `Date`
/// are the server's. `date`: as in `http_date`.
void render_head(std::string& out, const http_response& answer, const answer_frame& frame,
                 std::string_view date);

/// `Sun, 06 Nov 1994 08:49:37 GMT`
[[nodiscard]] std::string http_date(std::time_t seconds);

/// The words behind a status.
[[nodiscard]] std::string_view reason_of(unsigned status);

/// 1xx, 204 and 304 have none.
[[nodiscard]] bool has_answer_body(unsigned status);

}  // namespace tandem
