#pragma once

#include <string>

#include "actors/openai/client_chat.hpp"
#include "actors/openai/field_reader.hpp"
#include "actors/openai/request_json.hpp"

namespace tandem::dialect {

/// `tools` of a response as those of a chat: `out` is the array, empty when there are none. Only
/// functions; what OpenAI runs itself is refused.
[[nodiscard]] bool translate_tools(field_reader& reader, const request_json& json, element value,
                                   std::string_view raw, std::string& out);
/// `tool_choice`, likewise.
[[nodiscard]] bool translate_tool_choice(field_reader& reader, const request_json& json,
                                         element value, std::string_view raw, std::string& out);

}  // namespace tandem::dialect
