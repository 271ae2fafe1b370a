#include "actors/openai/response_tools.hpp"

#include <array>

#include "actors/openai/sampling_fields.hpp"

namespace tandem::dialect {
namespace {

bool refuse_built_in(field_reader& reader, const place& type_at, std::string_view type) {
  return reader.refuse(type_at,
                       "`" + quotable(type) +
                           "` is not supported: nothing here runs tools; give a tool of type "
                           "`function` and run it yourself",
                       "unsupported_value");
}

bool translate_tool(field_reader& reader, const request_json& json, element value,
                    std::string_view raw, const place& at, std::string& out) {
  object tool;
  object parameters;
  element member;
  std::string_view text;
  bool truth = false;
  place type_at{&at, "type"};
  if (!reader.fields(value, at, tool)) return false;
  if (!reader.member(tool, "type", at, member)) return false;
  if (!reader.string(member, type_at, text)) return false;
  if (text != "function") return refuse_built_in(reader, type_at, text);
  if (!reader.member(tool, "name", at, member)) return false;
  if (!reader.string(member, {&at, "name"}, text)) return false;
  std::string members;
  append_member(members, "name", json.slice(raw, "name"));
  if (find(tool, "description", member)) {
    if (!reader.string(member, {&at, "description"}, text)) return false;
    append_member(members, "description", json.slice(raw, "description"));
  }
  if (find(tool, "parameters", member)) {
    if (!reader.fields(member, {&at, "parameters"}, parameters)) return false;
    append_member(members, "parameters", json.slice(raw, "parameters"));
  }
  if (find(tool, "strict", member)) {
    if (!reader.boolean(member, {&at, "strict"}, truth)) return false;
    append_member(members, "strict", truth ? "true" : "false");
  }
  out.append(R"({"type":"function","function":{)").append(members).append("}}");
  return true;
}

}  // namespace

bool translate_tools(field_reader& reader, const request_json& json, element value,
                     std::string_view raw, std::string& out) {
  place at{nullptr, "tools"};
  array items;
  if (!reader.items(value, at, items)) return false;
  if (items.size() == 0) return true;
  auto slices = json.slices(raw);
  std::size_t index = 0;
  out = "[";
  for (auto item : items) {
    if (index > 0) out += ',';
    if (!translate_tool(reader, json, item, slices[index], at_index(at, index), out)) return false;
    ++index;
  }
  out += ']';
  return true;
}

bool translate_tool_choice(field_reader& reader, const request_json& json, element value,
                           std::string_view raw, std::string& out) {
  place at{nullptr, "tool_choice"};
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (text != "none" && text != "auto" && text != "required")
      return reader.refuse(at, "has to be none, auto, required or a function");
    out = raw;
    return true;
  }
  object choice;
  element member;
  place type_at{&at, "type"};
  if (!reader.fields(value, at, choice)) return false;
  if (!reader.member(choice, "type", at, member)) return false;
  if (!reader.string(member, type_at, text)) return false;
  if (text != "function") return refuse_built_in(reader, type_at, text);
  if (!reader.member(choice, "name", at, member)) return false;
  if (!reader.string(member, {&at, "name"}, text)) return false;
  out.append(R"({"type":"function","function":{"name":)")
      .append(json.slice(raw, "name"))
      .append("}}");
  return true;
}

}  // namespace tandem::dialect
