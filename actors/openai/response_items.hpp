#pragma once

#include <span>
#include <string>

#include "actors/openai/client_chat.hpp"
#include "actors/openai/field_reader.hpp"
#include "actors/openai/request_json.hpp"

namespace tandem::dialect {

/// `input` and `instructions` of a response, as turns and as a chat's messages.
class response_items {
 public:
  response_items(field_reader& reader, const request_json& json, client_chat& out)
      : reader_{reader}, json_{json}, out_{out} {}

  /// First, where they are said at all.
  void add_instructions(std::string_view text, std::string_view raw);
  [[nodiscard]] bool read(element value, std::string_view raw, std::size_t messages_max);
  /// The members of the array `messages`.
  [[nodiscard]] std::string take_messages();

 private:
  bool read_item(element value, std::string_view raw, const place& at);
  bool read_message(const object& item, std::string_view raw, const place& at);
  bool read_parts(element value, std::string_view raw, const place& at, std::string& text,
                  std::string& parts, bool is_output);
  bool read_part(const object& part, std::string_view raw, const place& at, std::string& text,
                 std::string& parts, bool is_output);
  bool read_call(const object& item, std::string_view raw, const place& at);
  bool read_call_output(const object& item, std::string_view raw, const place& at);
  bool read_strings(const object& item, std::span<const std::string_view> names, const place& at);
  void append_message(std::string_view role, std::string_view content);
  void close_calls();

  field_reader& reader_;
  const request_json& json_;
  client_chat& out_;
  std::string messages_;
  /// Calls that follow each other are one message's.
  std::string calls_;
};

}  // namespace tandem::dialect
