#include "actors/job/plan/plan_schema.hpp"

namespace tandem::plan {
namespace {

std::string json_text(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string tool_property(std::span<const std::string> tools) {
  if (tools.empty()) return {};
  std::string names;
  for (const auto& name : tools) names += (names.empty() ? "" : ",") + json_text(name);
  return R"(,"tool":{"type":"string","enum":[)" + names + "]}";
}

}  // namespace

std::string plan_json_schema(const limits& bounds, std::span<const std::string> tools) {
  const std::string id =
      R"({"type":"integer","minimum":1,"maximum":)" + std::to_string(step_id_max) + "}";
  const std::string step_schema =
      R"({"type":"object","properties":{"id":)" + id + R"(,"kind":{"type":"string","maxLength":)" +
      std::to_string(bounds.kind_bytes_max) +
      R"(},"prompt":{"type":"string","minLength":1},"depends_on":{"type":"array","items":)" + id +
      R"(,"maxItems":)" + std::to_string(bounds.depends_max) + R"(},"check":{"type":"object"})" +
      tool_property(tools) +
      R"(},"required":["id","kind","prompt","depends_on"],"additionalProperties":false})";
  return R"({"type":"object","properties":{"steps":{"type":"array","items":)" + step_schema +
         R"(,"minItems":1,"maxItems":)" + std::to_string(bounds.steps_max) +
         R"(},"answer":{"anyOf":[)" + id +
         R"(,{"type":"object","properties":{"compose":{"type":"string","minLength":1}},)"
         R"("required":["compose"],"additionalProperties":false}]}},)"
         R"("required":["steps"],"additionalProperties":false})";
}

}  // namespace tandem::plan
