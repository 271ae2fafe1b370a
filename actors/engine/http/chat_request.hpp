#pragma once

#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/http/server_kind.hpp"
#include "schema/json_writer.hpp"

namespace tandem {

struct chat_request_options {
  /// What the server calls it.
  std::string_view model;
  server_kind server = server_kind::openai;
  /// An adapter that is asked for; at llama.cpp its number. Empty: none.
  std::string_view adapter = {};
  /// Write the request's schema as `response_format`.
  bool constrain = true;
};

/// The body of POST /v1/chat/completions: always streamed, with usage. Invalid UTF-8 in messages is
/// replaced. `invalid_argument`: the schema is no JSON object.
[[nodiscard]] caf::expected<std::string> chat_request_body(const generation_request& request,
                                                           const chat_request_options& options);

/// A client's own request as the server gets it: with `model`, streamed with usage if `stream`, and
/// with `max_tokens` unless that is 0. Precondition: `client_body` is a JSON object without these.
[[nodiscard]] std::string passed_on_body(std::string_view client_body, bool stream,
                                         std::uint32_t max_tokens,
                                         const chat_request_options& options);

}  // namespace tandem
