#include "actors/openai/request_field.hpp"

#include <algorithm>
#include <array>

namespace tandem::dialect {
namespace {

using enum effect;

constexpr double tokens_max = 2147483647;
constexpr std::string_view only_tools = "is deprecated: use `tools` and `tool_choice`";
constexpr std::string_view not_kept =
    "is not supported: nothing is kept between requests, so send the whole conversation in `input`";

constexpr std::array chat_table{
    request_field{"audio", shape::object, passed},
    request_field{"frequency_penalty", shape::number, passed, -2, 2, {}, "0"},
    request_field{"function_call", shape::choice, refused, 0, 0, only_tools},
    request_field{"functions", shape::array, refused, 0, 0, only_tools},
    request_field{"logit_bias", shape::number_map, passed, -100, 100, {}, "{}"},
    request_field{"logprobs", shape::boolean, passed, 0, 0, {}, "false"},
    request_field{"max_completion_tokens", shape::integer, honoured, 1, tokens_max},
    request_field{"max_tokens", shape::integer, honoured, 1, tokens_max},
    request_field{"messages", shape::array, honoured},
    request_field{"metadata", shape::text_map, none, 0, 64},
    request_field{"modalities", shape::array, passed, 0, 8, {}, R"(["text"])"},
    request_field{"model", shape::string, honoured},
    request_field{"moderation", shape::object, refused, 0, 0,
                  "is not supported: no engine here moderates"},
    request_field{"n", shape::integer, passed, 1, 128, {}, "1"},
    request_field{"parallel_tool_calls", shape::boolean, passed, 0, 0, {}, "true"},
    request_field{"prediction", shape::object, none},
    request_field{"presence_penalty", shape::number, passed, -2, 2, {}, "0"},
    request_field{"prompt_cache_key", shape::string, honoured, 0, 256},
    request_field{"prompt_cache_options", shape::object, none},
    request_field{"prompt_cache_retention", shape::string, none},
    request_field{"reasoning_effort", shape::string, passed, 0, 32},
    request_field{"response_format", shape::object, honoured},
    request_field{"safety_identifier", shape::string, none},
    request_field{"seed", shape::integer, honoured, -9.3e18, 9.3e18},
    request_field{"service_tier", shape::string, none},
    request_field{"stop", shape::strings, passed, 0, 16, {}, "[]"},
    request_field{"store", shape::boolean, none},
    request_field{"stream", shape::boolean, honoured},
    request_field{"stream_options", shape::object, honoured},
    request_field{"tandem", shape::object, honoured},
    request_field{"temperature", shape::number, honoured, 0, 2},
    request_field{"tool_choice", shape::choice, passed},
    request_field{"tools", shape::array, passed, 0, 1024, {}, "[]"},
    request_field{"top_logprobs", shape::integer, passed, 0, 20, {}, "0"},
    request_field{"top_p", shape::number, honoured, 0, 1},
    request_field{"user", shape::string, none},
    request_field{"verbosity", shape::string, none},
    request_field{"web_search_options", shape::object, refused, 0, 0,
                  "is not supported: no engine here searches the web; give a tool of your own"},
};

constexpr std::array response_table{
    request_field{"background", shape::boolean, refused, 0, 0,
                  "is not supported: use POST /v1/jobs, or `tandem.background` with `stream`",
                  "false"},
    request_field{"context_management", shape::array, refused, 0, 0,
                  "is not supported: send only what the model is to read", "[]"},
    request_field{"conversation", shape::choice, refused, 0, 0, not_kept},
    request_field{"include", shape::array, honoured, 0, 32},
    request_field{"input", shape::any, honoured},
    request_field{"instructions", shape::string, honoured},
    request_field{"max_output_tokens", shape::integer, honoured, 1, tokens_max},
    request_field{"max_tool_calls", shape::integer, none, 0, tokens_max},
    request_field{"metadata", shape::text_map, none, 0, 64},
    request_field{"model", shape::string, honoured},
    request_field{"moderation", shape::object, refused, 0, 0,
                  "is not supported: no engine here moderates"},
    request_field{"parallel_tool_calls", shape::boolean, passed, 0, 0, {}, "true"},
    request_field{"previous_response_id", shape::string, refused, 0, 0, not_kept},
    request_field{"prompt", shape::object, refused, 0, 0,
                  "is not supported: no prompts are kept here; send its text in `instructions`"},
    request_field{"prompt_cache_key", shape::string, honoured, 0, 256},
    request_field{"prompt_cache_options", shape::object, none},
    request_field{"prompt_cache_retention", shape::string, none},
    request_field{"reasoning", shape::object, honoured},
    request_field{"safety_identifier", shape::string, none},
    request_field{"service_tier", shape::string, none},
    request_field{"store", shape::boolean, none},
    request_field{"stream", shape::boolean, honoured},
    request_field{"stream_options", shape::object, honoured},
    request_field{"tandem", shape::object, honoured},
    request_field{"temperature", shape::number, honoured, 0, 2},
    request_field{"text", shape::object, honoured},
    request_field{"tool_choice", shape::choice, honoured},
    request_field{"tools", shape::array, honoured, 0, 1024},
    request_field{"top_logprobs", shape::integer, refused, 0, 0,
                  "is not supported here: use /v1/chat/completions with `logprobs`", "0"},
    request_field{"top_p", shape::number, honoured, 0, 1},
    request_field{"truncation", shape::string, none},
    request_field{"user", shape::string, none},
};

constexpr std::array embedding_table{
    request_field{"dimensions", shape::integer, passed, 1, 1048576},
    request_field{"encoding_format", shape::string, passed},
    request_field{"input", shape::any, honoured},
    request_field{"model", shape::string, honoured},
    request_field{"tandem", shape::object, none},
    request_field{"user", shape::string, none},
};

static_assert(std::ranges::is_sorted(chat_table, {}, &request_field::name));
static_assert(std::ranges::is_sorted(response_table, {}, &request_field::name));
static_assert(std::ranges::is_sorted(embedding_table, {}, &request_field::name));

bool check_size(field_reader& reader, const request_field& field, std::size_t size,
                std::string_view unit) {
  if (field.high == 0 || static_cast<double>(size) <= field.high) return true;
  return reader.refuse(
      {nullptr, field.name},
      "has more than " + std::to_string(static_cast<long>(field.high)) + std::string{unit},
      "too_long");
}

bool check_strings(field_reader& reader, const request_field& field, element value) {
  place at{nullptr, field.name};
  if (value.is_string()) return true;
  array items;
  if (value.get(items) != simdjson::SUCCESS)
    return reader.wrong_type(at, "a string or an array of strings", value);
  std::size_t index = 0;
  std::string_view text;
  for (auto item : items)
    if (!reader.string(item, at_index(at, index++), text)) return false;
  return check_size(reader, field, index, " items");
}

bool check_map(field_reader& reader, const request_field& field, element value) {
  place at{nullptr, field.name};
  object fields;
  // llama.cpp takes pairs too, and false for "never".
  auto is_bias = field.type == shape::number_map;
  if (is_bias && value.is_array()) return true;
  if (!reader.fields(value, at, fields)) return false;
  std::string_view text;
  double number = 0;
  for (auto item : fields) {
    place inner{&at, item.key};
    bool truth = true;
    if (is_bias && item.value.get(truth) == simdjson::SUCCESS && !truth) continue;
    auto holds = is_bias ? reader.number(item.value, inner, field.low, field.high, number)
                         : reader.string(item.value, inner, text);
    if (!holds) return false;
  }
  return is_bias || check_size(reader, field, fields.size(), " members");
}

bool check_number(field_reader& reader, const request_field& field, element value) {
  place at{nullptr, field.name};
  auto is_bounded = field.low < field.high;
  double number = 0;
  std::int64_t whole = 0;
  if (field.type == shape::number)
    return reader.number(value, at, is_bounded ? field.low : -1e300,
                         is_bounded ? field.high : 1e300, number);
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto is_small = is_bounded && field.high < 9e18;
  return reader.integer(value, at, is_small ? static_cast<std::int64_t>(field.low) : least,
                        is_small ? static_cast<std::int64_t>(field.high) : most, whole);
}

}  // namespace

std::span<const request_field> chat_fields() {
  return chat_table;
}

std::span<const request_field> response_fields() {
  return response_table;
}

std::span<const request_field> embedding_fields() {
  return embedding_table;
}

const request_field* find_field(std::span<const request_field> table, std::string_view name) {
  auto found = std::ranges::lower_bound(table, name, {}, &request_field::name);
  return found != table.end() && found->name == name ? &*found : nullptr;
}

bool check_field(field_reader& reader, const request_field& field, element value) {
  if (value.is_null()) return true;
  place at{nullptr, field.name};
  std::string_view text;
  object fields;
  array items;
  bool truth = false;
  switch (field.type) {
    case shape::any:
      return true;
    case shape::boolean:
      return reader.boolean(value, at, truth);
    case shape::integer:
    case shape::number:
      return check_number(reader, field, value);
    case shape::string:
      return reader.string(value, at, text) && check_size(reader, field, text.size(), " bytes");
    case shape::object:
      return reader.fields(value, at, fields);
    case shape::array:
      return reader.items(value, at, items) && check_size(reader, field, items.size(), " items");
    case shape::strings:
      return check_strings(reader, field, value);
    case shape::choice:
      return value.is_string() || value.is_object() ||
             reader.wrong_type(at, "a string or an object", value);
    case shape::text_map:
    case shape::number_map:
      return check_map(reader, field, value);
  }
  return true;
}

bool is_neutral(const request_field& field, element value) {
  if (value.is_null()) return true;
  if (field.neutral.empty()) return false;
  double number = 0;
  bool truth = false;
  array items;
  object fields;
  if (value.get(truth) == simdjson::SUCCESS) return field.neutral == (truth ? "true" : "false");
  if (value.get(number) == simdjson::SUCCESS)
    return field.neutral == (number == 0 ? "0" : number == 1 ? "1" : "");
  if (value.get(fields) == simdjson::SUCCESS) return field.neutral == "{}" && fields.size() == 0;
  if (value.get(items) != simdjson::SUCCESS) return false;
  if (field.neutral == "[]" || field.neutral == "{}") return items.size() == 0;
  std::string_view only;
  return field.neutral == R"(["text"])" && items.size() == 1 &&
         items.at(0).get(only) == simdjson::SUCCESS && only == "text";
}

}  // namespace tandem::dialect
