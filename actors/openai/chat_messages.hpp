#pragma once

#include <string>

#include "actors/openai/client_chat.hpp"
#include "actors/openai/field_reader.hpp"
#include "actors/openai/request_json.hpp"

namespace tandem::dialect {

/// `messages` of a chat: the turns, and in `needs` what no turn can say.
class chat_messages {
 public:
  chat_messages(field_reader& reader, client_chat& out) : reader_{reader}, out_{out} {}

  [[nodiscard]] bool read(element value, std::size_t messages_max);
  /// The client's own bytes; `developer` is `system` there, which all servers know.
  [[nodiscard]] std::string body(const request_json& json, element value,
                                 std::string_view raw) const;

 private:
  bool read_message(element value, const place& at);
  bool read_content(const object& message, std::string_view role, const place& at,
                    std::string& text);
  bool read_parts(element value, const place& at, std::string& text);
  bool read_part(element value, const place& at, std::string& text);
  bool read_member(std::string_view key, element value, const place& at);
  bool read_tool_calls(element value, const place& at);

  field_reader& reader_;
  client_chat& out_;
  bool has_developer_ = false;
};

}  // namespace tandem::dialect
