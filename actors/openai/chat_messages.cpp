#include "actors/openai/chat_messages.hpp"

#include <algorithm>
#include <array>

#include "actors/openai/sampling_fields.hpp"

namespace tandem::dialect {
namespace {

/// Parts that are no text: what each has under its type's name.
constexpr std::array<std::string_view, 6> media_parts{"image_url", "input_audio", "file",
                                                      "video_url", "audio_url",   "refusal"};
constexpr std::array<std::string_view, 8> passed_members{
    "audio",   "function_call", "name",      "reasoning", "reasoning_content",
    "refusal", "tool_call_id",  "tool_calls"};

bool role_of(std::string_view name, schema::Role& out) {
  if (name == "user") return out = schema::Role::USER, true;
  if (name == "assistant") return out = schema::Role::ASSISTANT, true;
  if (name == "system" || name == "developer") return out = schema::Role::SYSTEM, true;
  // Said in the body alone; a turn keeps its place.
  if (name == "tool" || name == "function") return out = schema::Role::USER, true;
  return false;
}

}  // namespace

bool chat_messages::read(element value, std::size_t messages_max) {
  place at{nullptr, "messages"};
  array items;
  if (!reader_.items(value, at, items)) return false;
  if (items.size() == 0) return reader_.refuse(at, "needs at least one message");
  if (items.size() > messages_max)
    return reader_.refuse(at, "has more than " + std::to_string(messages_max) + " messages",
                          "too_long");
  out_.turns.reserve(items.size());
  std::size_t index = 0;
  for (auto item : items)
    if (!read_message(item, at_index(at, index++))) return false;
  return true;
}

bool chat_messages::read_message(element value, const place& at) {
  object fields;
  element member;
  std::string_view role;
  if (!reader_.fields(value, at, fields)) return false;
  if (!reader_.member(fields, "role", at, member)) return false;
  place role_at{&at, "role"};
  if (!reader_.string(member, role_at, role)) return false;
  client_turn turn;
  if (!role_of(role, turn.role))
    return reader_.refuse(role_at,
                          "has to be system, developer, user, assistant, tool or function");
  if (role == "developer") has_developer_ = true;
  if (role == "tool" || role == "function") note_need(out_, "tool messages");
  for (auto field : fields)
    if (field.key != "role" && field.key != "content" && !read_member(field.key, field.value, at))
      return false;
  if (!read_content(fields, role, at, turn.text)) return false;
  if (role == "tool" && !reader_.member(fields, "tool_call_id", at, member)) return false;
  out_.turns.push_back(std::move(turn));
  return true;
}

bool chat_messages::read_member(std::string_view key, element value, const place& above) {
  if (value.is_null()) return true;
  place at{&above, key};
  std::string_view text;
  object fields;
  if (std::ranges::find(passed_members, key) == passed_members.end()) {
    note_unknown(out_, to_string(at));
    return true;
  }
  if (key == "tool_calls") return read_tool_calls(value, at);
  // A tool's message is named as such already.
  if (key != "tool_call_id") note_need(out_, key);
  if (key == "audio" || key == "function_call") return reader_.fields(value, at, fields);
  return reader_.string(value, at, text);
}

bool chat_messages::read_tool_calls(element value, const place& at) {
  array items;
  if (!reader_.items(value, at, items)) return false;
  if (items.size() > 0) note_need(out_, "tool_calls");
  std::size_t index = 0;
  for (auto item : items) {
    auto item_at = at_index(at, index++);
    object call;
    object function;
    element member;
    std::string_view text;
    if (!reader_.fields(item, item_at, call)) return false;
    if (find(call, "type", member) && !reader_.string(member, {&item_at, "type"}, text))
      return false;
    if (!reader_.member(call, "id", item_at, member)) return false;
    if (!reader_.string(member, {&item_at, "id"}, text)) return false;
    if (!find(call, "function", member)) continue;
    place function_at{&item_at, "function"};
    if (!reader_.fields(member, function_at, function)) return false;
    for (std::string_view name : {"name", "arguments"}) {
      if (!reader_.member(function, name, function_at, member)) return false;
      if (!reader_.string(member, {&function_at, name}, text)) return false;
    }
  }
  return true;
}

bool chat_messages::read_content(const object& message, std::string_view role, const place& above,
                                 std::string& text) {
  place at{&above, "content"};
  element value;
  if (!find(message, "content", value)) {
    if (role == "assistant" || role == "function") return true;
    auto is_null = message.at_key("content").error() == simdjson::SUCCESS;
    return is_null ? reader_.refuse(at, "is null, which only an assistant's may be", "invalid_type")
                   : reader_.refuse(at, "is missing", "missing_required_parameter");
  }
  std::string_view plain;
  if (value.get(plain) == simdjson::SUCCESS) {
    text = plain;
    return true;
  }
  if (value.is_array()) return read_parts(value, at, text);
  return reader_.wrong_type(at, "a string or an array of parts", value);
}

bool chat_messages::read_parts(element value, const place& at, std::string& text) {
  array items;
  if (!reader_.items(value, at, items)) return false;
  std::size_t index = 0;
  for (auto item : items)
    if (!read_part(item, at_index(at, index++), text)) return false;
  return true;
}

bool chat_messages::read_part(element value, const place& at, std::string& text) {
  object part;
  element member;
  std::string_view type;
  std::string_view words;
  if (!reader_.fields(value, at, part)) return false;
  if (!reader_.member(part, "type", at, member)) return false;
  place type_at{&at, "type"};
  if (!reader_.string(member, type_at, type)) return false;
  if (type == "text") {
    if (!reader_.member(part, "text", at, member)) return false;
    if (!reader_.string(member, {&at, "text"}, words)) return false;
    // As vLLM and llama.cpp join them for templates that know no parts.
    if (!text.empty()) text += '\n';
    text += words;
    return true;
  }
  auto known = std::ranges::find(media_parts, type);
  if (known == media_parts.end())
    return reader_.refuse(type_at,
                          "has to be text, image_url, input_audio, video_url, audio_url, file or "
                          "refusal");
  if (!reader_.member(part, *known, at, member)) return false;
  note_need(out_, *known);
  object inner;
  place inner_at{&at, *known};
  if (*known == "refusal") return reader_.string(member, inner_at, words);
  if (!reader_.fields(member, inner_at, inner)) return false;
  if (!known->ends_with("_url")) return true;
  if (!reader_.member(inner, "url", inner_at, member)) return false;
  return reader_.string(member, {&inner_at, "url"}, words);
}

std::string chat_messages::body(const request_json& json, element value,
                                std::string_view raw) const {
  if (!has_developer_) return std::string{raw};
  std::string out = "[";
  std::size_t index = 0;
  auto slices = json.slices(raw);
  for (auto item : array{value}) {
    if (index > 0) out += ',';
    auto slice = slices[index++];
    std::string_view role;
    if (item["role"].get(role) != simdjson::SUCCESS || role != "developer") {
      out += slice;
      continue;
    }
    std::string members;
    std::size_t i = 0;
    auto parts = json.slices(slice);
    for (auto field : object{item}) {
      auto part = parts[i++];
      // What nobody knows would be a foreign key here.
      if (field.key == "role")
        append_member(members, "role", R"("system")");
      else if (field.key == "content" || field.key == "name")
        append_member(members, field.key, part);
    }
    out.append("{").append(members).append("}");
  }
  return out + ']';
}

}  // namespace tandem::dialect
