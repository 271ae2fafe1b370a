#pragma once

#include <string>
#include <string_view>

#include "schema/errc.hpp"

namespace tandem {

/// An error as OpenAI's clients know it: `{"error":{"message","type","param","code"}}`.
struct openai_error {
  unsigned status = 400;
  /// What, where, how to mend it.
  std::string message;
  /// `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`,
  /// `rate_limit_error`, `server_error`.
  std::string type = "invalid_request_error";
  /// `messages[2].content`; empty: null.
  std::string param;
  /// `model_not_found`, `unsupported_parameter`, ...; empty: null.
  std::string code;
};

/// What one of Tandem's errors is over HTTP. 400 invalid_argument, 401 not_authenticated, 404
/// not_found, 409 conflict, 429 overloaded (and budget_exceeded, code `insufficient_quota`), 499
/// cancelled, 502 engine_failed and invalid_output, 503 unavailable, 504 deadline_exceeded, else
/// 500.
[[nodiscard]] openai_error to_openai_error(errc code, std::string_view message);
[[nodiscard]] std::string to_json(const openai_error& error);

}  // namespace tandem
