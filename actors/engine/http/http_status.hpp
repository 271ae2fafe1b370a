#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/errc.hpp"

namespace tandem {

/// What servers write into the body of a refusal.
struct server_error {
  /// 0: not said.
  int code = 0;
  std::string type;
  /// Printable, one line, at most 400 bytes.
  std::string message;
  /// Of a context overflow; 0: not said.
  std::uint64_t prompt_tokens = 0;
  std::uint64_t context_tokens = 0;
};

/// `{"error":{…}}`, `{"error":"…"}`, `{"message":…,"code":…}`, `{"detail":…}`; nothing: none of
/// these.
[[nodiscard]] std::optional<server_error> read_server_error(std::string_view json);

/// A refusal in our words.
struct http_verdict {
  /// `invalid_argument`: the caller's fault. `overloaded`: back-pressure. `engine_failed`: counts
  /// against the engine.
  errc code = errc::engine_failed;
  std::string text;
  std::chrono::milliseconds retry_after{0};
  /// 503 while the model is being loaded.
  bool loading = false;
};

/// Seconds or an HTTP date; 0: neither, or in the past. At most five minutes.
[[nodiscard]] std::chrono::milliseconds read_retry_after(std::string_view value,
                                                         std::chrono::system_clock::time_point now);

/// Of a response whose status is not 200. `key_source` says where the API key comes from.
[[nodiscard]] http_verdict judge_status(int status, std::string_view body,
                                        std::chrono::milliseconds retry_after,
                                        std::string_view key_source);

/// Of an error that came as an event or in a 200.
[[nodiscard]] http_verdict judge_error(const server_error& error, std::string_view key_source);

/// `text` on one printable line of at most `bytes_max`.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t bytes_max = 400);

}  // namespace tandem
