#include "actors/openai/response_items.hpp"

#include <array>

#include "actors/openai/sampling_fields.hpp"
#include "schema/json_writer.hpp"

namespace tandem::dialect {
namespace {

struct role_meaning {
  std::string_view name;
  std::string_view in_chat;
  schema::Role role;
};

constexpr std::array roles{role_meaning{"user", "user", schema::Role::USER},
                           role_meaning{"assistant", "assistant", schema::Role::ASSISTANT},
                           role_meaning{"system", "system", schema::Role::SYSTEM},
                           role_meaning{"developer", "system", schema::Role::SYSTEM}};

const role_meaning* find_role(std::string_view name) {
  for (const auto& role : roles)
    if (role.name == name) return &role;
  return nullptr;
}

}  // namespace

void response_items::add_instructions(std::string_view text, std::string_view raw) {
  out_.turns.push_back({schema::Role::SYSTEM, std::string{text}});
  append_message("system", raw);
}

bool response_items::read(element value, std::string_view raw, std::size_t messages_max) {
  place at{nullptr, "input"};
  std::string_view text;
  array items;
  if (value.get(text) == simdjson::SUCCESS) {
    out_.turns.push_back({schema::Role::USER, std::string{text}});
    append_message("user", raw);
    return true;
  }
  if (value.get(items) != simdjson::SUCCESS)
    return reader_.wrong_type(at, "a string or an array of items", value);
  if (items.size() == 0) return reader_.refuse(at, "needs at least one item");
  if (items.size() > messages_max)
    return reader_.refuse(at, "has more than " + std::to_string(messages_max) + " items",
                          "too_long");
  auto slices = json_.slices(raw);
  std::size_t index = 0;
  for (auto item : items) {
    if (!read_item(item, slices[index], at_index(at, index))) return false;
    ++index;
  }
  if (out_.turns.empty()) return reader_.refuse(at, "needs at least one message");
  return true;
}

bool response_items::read_item(element value, std::string_view raw, const place& at) {
  object item;
  element member;
  std::string_view type = "message";
  if (!reader_.fields(value, at, item)) return false;
  place type_at{&at, "type"};
  if (find(item, "type", member) && !reader_.string(member, type_at, type)) return false;
  if (type == "message") {
    close_calls();
    return read_message(item, raw, at);
  }
  if (type == "function_call") return read_call(item, raw, at);
  if (type == "function_call_output") {
    close_calls();
    return read_call_output(item, raw, at);
  }
  // What a model thought is not sent back to it: chats have no place for that.
  if (type == "reasoning") return true;
  if (type == "item_reference")
    return reader_.refuse(type_at,
                          "refers to an item, but nothing is kept here between requests: send "
                          "the item itself",
                          "unsupported_value");
  return reader_.refuse(type_at,
                        "`" + quotable(type) +
                            "` is not supported: message, function_call, function_call_output "
                            "and reasoning are",
                        "unsupported_value");
}

bool response_items::read_message(const object& item, std::string_view raw, const place& at) {
  element member;
  std::string_view name;
  if (!reader_.member(item, "role", at, member)) return false;
  place role_at{&at, "role"};
  if (!reader_.string(member, role_at, name)) return false;
  const auto* role = find_role(name);
  if (role == nullptr)
    return reader_.refuse(role_at, "has to be user, assistant, system or developer");
  if (!reader_.member(item, "content", at, member)) return false;
  place content_at{&at, "content"};
  auto content = json_.slice(raw, "content");
  client_turn turn{role->role, {}};
  std::string_view text;
  std::string parts;
  if (member.get(text) == simdjson::SUCCESS)
    turn.text = text;
  else if (!read_parts(member, content, content_at, turn.text, parts,
                       role->role == schema::Role::ASSISTANT))
    return false;
  append_message(role->in_chat, parts.empty() ? content : std::string_view{parts});
  out_.turns.push_back(std::move(turn));
  return true;
}

bool response_items::read_parts(element value, std::string_view raw, const place& at,
                                std::string& text, std::string& parts, bool is_output) {
  array items;
  if (value.get(items) != simdjson::SUCCESS)
    return reader_.wrong_type(at, "a string or an array of parts", value);
  auto slices = json_.slices(raw);
  std::size_t index = 0;
  parts = "[";
  for (auto item : items) {
    auto part_at = at_index(at, index);
    object part;
    if (!reader_.fields(item, part_at, part)) return false;
    if (index > 0) parts += ',';
    if (!read_part(part, slices[index], part_at, text, parts, is_output)) return false;
    ++index;
  }
  parts += ']';
  return true;
}

bool response_items::read_part(const object& part, std::string_view raw, const place& at,
                               std::string& text, std::string& parts, bool is_output) {
  element member;
  std::string_view type;
  std::string_view words;
  place type_at{&at, "type"};
  if (!reader_.member(part, "type", at, member)) return false;
  if (!reader_.string(member, type_at, type)) return false;
  auto is_refusal = type == "refusal" && is_output;
  if (type == "input_text" || type == "output_text" || is_refusal) {
    std::string_view key = is_refusal ? "refusal" : "text";
    if (!reader_.member(part, key, at, member)) return false;
    if (!reader_.string(member, {&at, key}, words)) return false;
    if (!text.empty()) text += '\n';
    text += words;
    parts.append(R"({"type":"text","text":)").append(json_.slice(raw, key)).append("}");
    return true;
  }
  if (type == "input_image" && find(part, "image_url", member)) {
    if (!reader_.string(member, {&at, "image_url"}, words)) return false;
    note_need(out_, "input_image");
    parts.append(R"({"type":"image_url","image_url":{"url":)")
        .append(json_.slice(raw, "image_url"));
    if (find(part, "detail", member)) {
      if (!reader_.string(member, {&at, "detail"}, words)) return false;
      parts.append(R"(,"detail":)").append(json_.slice(raw, "detail"));
    }
    parts += "}}";
    return true;
  }
  if (type == "input_image" || type == "input_file")
    return reader_.refuse(at, "is a file that would have to be kept here: send an image_url",
                          "unsupported_value");
  return reader_.refuse(type_at, "has to be input_text, output_text or input_image",
                        "unsupported_value");
}

bool response_items::read_strings(const object& item, std::span<const std::string_view> names,
                                  const place& at) {
  for (auto name : names) {
    element member;
    std::string_view text;
    if (!reader_.member(item, name, at, member)) return false;
    if (!reader_.string(member, {&at, name}, text)) return false;
  }
  return true;
}

bool response_items::read_call(const object& item, std::string_view raw, const place& at) {
  static constexpr std::array<std::string_view, 3> names{"call_id", "name", "arguments"};
  if (!read_strings(item, names, at)) return false;
  note_need(out_, "function_call");
  calls_ += calls_.empty() ? R"({"id":)" : R"(,{"id":)";
  calls_.append(json_.slice(raw, "call_id"))
      .append(R"(,"type":"function","function":{"name":)")
      .append(json_.slice(raw, "name"))
      .append(R"(,"arguments":)")
      .append(json_.slice(raw, "arguments"))
      .append("}}");
  return true;
}

bool response_items::read_call_output(const object& item, std::string_view raw, const place& at) {
  static constexpr std::array<std::string_view, 1> names{"call_id"};
  element member;
  if (!read_strings(item, names, at)) return false;
  if (!reader_.member(item, "output", at, member)) return false;
  note_need(out_, "function_call_output");
  auto output = json_.slice(raw, "output");
  client_turn turn{schema::Role::USER, {}};
  std::string parts;
  std::string_view text;
  if (member.get(text) == simdjson::SUCCESS)
    turn.text = text;
  else if (!read_parts(member, output, {&at, "output"}, turn.text, parts, false))
    return false;
  if (!messages_.empty()) messages_ += ',';
  messages_.append(R"({"role":"tool","tool_call_id":)")
      .append(json_.slice(raw, "call_id"))
      .append(R"(,"content":)")
      .append(parts.empty() ? output : std::string_view{parts})
      .append("}");
  out_.turns.push_back(std::move(turn));
  return true;
}

void response_items::append_message(std::string_view role, std::string_view content) {
  if (!messages_.empty()) messages_ += ',';
  messages_.append(R"({"role":")").append(role).append(R"(","content":)");
  messages_.append(content).append("}");
}

void response_items::close_calls() {
  if (calls_.empty()) return;
  if (!messages_.empty()) messages_ += ',';
  messages_.append(R"({"role":"assistant","content":null,"tool_calls":[)");
  messages_.append(calls_).append("]}");
  calls_.clear();
  out_.turns.push_back({schema::Role::ASSISTANT, {}});
}

std::string response_items::take_messages() {
  close_calls();
  return std::move(messages_);
}

}  // namespace tandem::dialect
