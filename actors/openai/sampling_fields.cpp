#include "actors/openai/sampling_fields.hpp"

#include <algorithm>

namespace tandem::dialect {
namespace {

constexpr std::size_t unknown_max = 16;
constexpr std::size_t needs_max = 32;
constexpr std::size_t model_bytes_max = 256;

bool read_stream_options(field_reader& reader, const object& fields, client_chat& out) {
  place at{nullptr, "stream_options"};
  for (auto field : fields) {
    bool truth = false;
    place inner{&at, field.key};
    if (field.key != "include_usage" && field.key != "include_obfuscation" &&
        field.key != "continuous_usage_stats") {
      note_unknown(out, to_string(inner));
      continue;
    }
    if (field.value.is_null()) continue;
    if (!reader.boolean(field.value, inner, truth)) return false;
    if (field.key == "include_usage") out.include_usage = truth;
  }
  return true;
}

void read_top_k(element value, client_chat& out) {
  // -1 is how vLLM says all.
  std::int64_t whole = 0;
  if (value.get(whole) == simdjson::SUCCESS && whole > 0)
    out.top_k = static_cast<std::uint32_t>(whole);
}

/// Whole numbers may be written as 5.0.
std::int64_t whole_of(element value) {
  std::int64_t whole = 0;
  double real = 0;
  if (value.get(whole) == simdjson::SUCCESS) return whole;
  return value.get(real) == simdjson::SUCCESS ? static_cast<std::int64_t>(real) : 0;
}

}  // namespace

bool read_common(field_reader& reader, const request_field& field, element value,
                 client_chat& out) {
  double number = 0;
  std::string_view text;
  bool truth = false;
  object fields;
  auto name = field.name;
  if (value.get(number) == simdjson::SUCCESS) {
    if (name == "temperature") out.temperature = static_cast<float>(number);
    if (name == "top_p") out.top_p = static_cast<float>(number);
    if (name == "top_k") read_top_k(value, out);
    if (name == "seed") out.seed = static_cast<std::uint64_t>(whole_of(value));
    // The newer name counts.
    if (name == "max_completion_tokens" || name == "max_output_tokens" ||
        (name == "max_tokens" && out.max_tokens == 0))
      out.max_tokens = static_cast<std::uint32_t>(whole_of(value));
  } else if (value.get(text) == simdjson::SUCCESS) {
    if (name == "model") out.model = text;
    if ((name == "prompt_cache_key" || name == "session_id") && out.options.session.empty())
      out.options.session = text;
  } else if (value.get(truth) == simdjson::SUCCESS) {
    if (name == "stream") out.stream = truth;
  } else if (value.get(fields) == simdjson::SUCCESS) {
    if (name == "stream_options") return read_stream_options(reader, fields, out);
    place at{nullptr, name};
    if (name == "tandem") return read_options(reader, fields, &at, out.options);
  }
  return true;
}

bool read_predict(field_reader& reader, element value, std::uint32_t& out) {
  // -1 is how llama.cpp says all.
  auto whole = whole_of(value);
  if (whole == 0)
    return reader.refuse({nullptr, "n_predict"}, "has to be -1 or at least 1",
                         "value_out_of_range");
  out = whole < 0 ? 0 : static_cast<std::uint32_t>(whole);
  return true;
}

bool check_model(field_reader& reader, std::string_view model, bool is_there) {
  place at{nullptr, "model"};
  if (!is_there) return reader.refuse(at, "is missing", "missing_required_parameter");
  if (model.empty()) return reader.refuse(at, "has to name a model, see GET /v1/models");
  if (model.size() > model_bytes_max) return reader.refuse(at, "has more than 256 bytes");
  return true;
}

bool read_format(field_reader& reader, const request_json& json, element value,
                 std::string_view format, const place& at, bool wraps, output_format& out) {
  object fields;
  element member;
  std::string_view type;
  if (!reader.fields(value, at, fields)) return false;
  if (!reader.member(fields, "type", at, member)) return false;
  place type_at{&at, "type"};
  if (!reader.string(member, type_at, type)) return false;
  if (type == "text") return true;
  out.passes = true;
  if (type == "json_object" || (wraps && type == "structural_tag")) return true;
  if (type != "json_schema")
    return reader.refuse(type_at, "has to be text, json_object or json_schema");
  object holder = fields;
  place holder_at{&at, "json_schema"};
  if (wraps) {
    if (!reader.member(fields, "json_schema", at, member)) return false;
    if (!reader.fields(member, holder_at, holder)) return false;
    format = json.slice(format, "json_schema");
  }
  const auto& above = wraps ? holder_at : at;
  object schema;
  std::string_view name;
  if (find(holder, "name", member) && !reader.string(member, {&above, "name"}, name)) return false;
  bool is_strict = false;
  if (find(holder, "strict", member) && !reader.boolean(member, {&above, "strict"}, is_strict))
    return false;
  if (!reader.member(holder, "schema", above, member)) return false;
  if (!reader.fields(member, {&above, "schema"}, schema)) return false;
  out.schema = json.slice(format, "schema");
  out.passes = false;
  return true;
}

void note_unknown(client_chat& out, std::string_view name) {
  if (out.unknown.size() < unknown_max) out.unknown.push_back(quotable(name));
}

void note_need(client_chat& out, std::string_view name) {
  if (out.needs.size() >= needs_max) return;
  if (std::ranges::find(out.needs, name) == out.needs.end()) out.needs.emplace_back(name);
}

void append_member(std::string& out, std::string_view name, std::string_view raw) {
  out += out.empty() ? "\"" : ",\"";
  out.append(name).append("\":").append(raw);
}

}  // namespace tandem::dialect
