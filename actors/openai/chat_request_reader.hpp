#pragma once

#include <variant>

#include "actors/openai/client_chat.hpp"
#include "actors/openai/request_json.hpp"

namespace tandem::dialect {

/// POST /v1/chat/completions.
[[nodiscard]] std::variant<client_chat, openai_error> read_chat_request(
    const request_json& json, const client_limits& limits);
/// POST /v1/responses; its body is a chat's.
[[nodiscard]] std::variant<client_chat, openai_error> read_response_request(
    const request_json& json, const client_limits& limits);

}  // namespace tandem::dialect
