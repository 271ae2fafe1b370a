#include "actors/openai/request_json.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace tandem::dialect {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

/// Parsers and the copy are kept for the next request unless a huge one made them huge.
constexpr std::size_t kept_bytes_max = std::size_t{1} << 20;

struct kept_parsers {
  simdjson::dom::parser whole{};
  simdjson::ondemand::parser parts{};
  std::string copy;
};

kept_parsers& kept() {
  thread_local kept_parsers parsers;
  return parsers;
}

openai_error refusal(std::string message, std::string param = {}) {
  openai_error out;
  out.message = std::move(message);
  out.param = std::move(param);
  out.code = out.param.empty() ? "invalid_json" : "duplicate_key";
  return out;
}

std::string words_for(simdjson::error_code code, std::size_t depth_max) {
  switch (code) {
    case simdjson::EMPTY:
      return "The body is empty; it has to be a JSON object.";
    case simdjson::UTF8_ERROR:
      return "The body is not valid UTF-8.";
    case simdjson::DEPTH_ERROR:
      return "The body is nested deeper than " + std::to_string(depth_max) + " levels.";
    case simdjson::NUMBER_ERROR:
    case simdjson::NUMBER_OUT_OF_RANGE:
      return "The body has a number that is malformed, or larger than 64 bits can hold.";
    case simdjson::UNESCAPED_CHARS:
      return "The body has a control character within a string; escape it.";
    case simdjson::STRING_ERROR:
      return "The body has a string with a bad escape, or half of a surrogate pair.";
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return "The body is too large to be read.";
    default:
      return "The body is not valid JSON.";
  }
}

/// Four hex digits; the parser has seen that they are.
unsigned hex4(std::string_view digits) {
  unsigned out = 0;
  for (char c : digits.substr(0, 4)) {
    auto digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    out = out * 16 + static_cast<unsigned>(digit);
  }
  return out;
}

/// What the parser lets through: a low surrogate alone, and U+0000, which ends a text in too many
/// programs. In valid JSON a backslash is always in a string.
const char* bad_escape(std::string_view json) {
  for (auto at = json.find('\\'); at != json.npos; at = json.find('\\', at)) {
    if (json[at + 1] != 'u') {
      at += 2;
      continue;
    }
    auto point = hex4(json.substr(at + 2));
    at += 6;
    if (point == 0) return "The body has a string with the character U+0000.";
    if (point >= 0xdc00 && point < 0xe000) return "The body has half of a surrogate pair.";
    if (point < 0xd800 || point >= 0xdc00) continue;
    auto low = json.substr(at, 2) == "\\u" ? hex4(json.substr(at + 2)) : 0;
    if (low < 0xdc00 || low >= 0xe000) return "The body has half of a surrogate pair.";
    at += 6;
  }
  return nullptr;
}

bool has_duplicates(const object& fields, std::string_view& which) {
  constexpr std::size_t few = 12;
  std::array<std::string_view, few> keys;
  std::size_t count = 0;
  for (auto field : fields) {
    if (count == few) break;
    for (std::size_t i = 0; i < count; ++i)
      if (keys[i] == field.key) return which = field.key, true;
    keys[count++] = field.key;
  }
  if (count < few) return false;
  std::vector<std::string_view> all;
  for (auto field : fields) all.push_back(field.key);
  std::ranges::sort(all);
  auto twice = std::ranges::adjacent_find(all);
  if (twice == all.end()) return false;
  which = *twice;
  return true;
}

/// The path of a duplicate key below `value`; the parser has bounded the depth.
bool find_duplicate(element value, std::string& path) {
  if (value.type() == element_type::ARRAY) {
    std::size_t index = 0;
    for (auto item : array{value}) {
      if (find_duplicate(item, path)) {
        auto dot = path.empty() || path.front() == '[' ? "" : ".";
        path = "[" + std::to_string(index) + "]" + dot + path;
        return true;
      }
      ++index;
    }
    return false;
  }
  if (value.type() != element_type::OBJECT) return false;
  auto fields = object{value};
  std::string_view which;
  if (has_duplicates(fields, which)) return path = which, true;
  for (auto field : fields) {
    if (!find_duplicate(field.value, path)) continue;
    auto dot = path.front() == '[' ? "" : ".";
    path = std::string{field.key} + dot + path;
    return true;
  }
  return false;
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && std::string_view{" \t\r\n"}.find(token.back()) != token.npos)
    token.remove_suffix(1);
  return token;
}

std::string_view bytes_of(simdjson::ondemand::value value) {
  simdjson::ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return {};
  std::string_view out;
  if (type == simdjson::ondemand::json_type::object) {
    simdjson::ondemand::object inner;
    if (value.get_object().get(inner) != simdjson::SUCCESS) return {};
    if (inner.raw_json().get(out) != simdjson::SUCCESS) return {};
    return trimmed(out);
  }
  if (type == simdjson::ondemand::json_type::array) {
    simdjson::ondemand::array inner;
    if (value.get_array().get(inner) != simdjson::SUCCESS) return {};
    if (inner.raw_json().get(out) != simdjson::SUCCESS) return {};
    return trimmed(out);
  }
  return trimmed(value.raw_json_token());
}

}  // namespace

std::optional<openai_error> request_json::parse(std::string_view json, std::size_t depth_max) {
  auto& parsers = kept();
  if (parsers.copy.capacity() > 2 * kept_bytes_max) {
    parsers.whole = simdjson::dom::parser{};
    parsers.parts = simdjson::ondemand::parser{};
    parsers.copy = {};
  }
  parsers.copy.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  parsers.copy.assign(json);
  parsers.copy.append(simdjson::SIMDJSON_PADDING, ' ');
  bytes_ = trimmed(std::string_view{parsers.copy}.substr(0, json.size()));
  bytes_.remove_prefix(std::min(bytes_.find_first_not_of(" \t\r\n"), bytes_.size()));
  auto& parser = parsers.whole;
  if (parser.max_depth() != depth_max || parser.capacity() < json.size()) {
    auto code = parser.allocate(std::max<std::size_t>(json.size(), 4096), depth_max);
    if (code != simdjson::SUCCESS) return refusal(words_for(code, depth_max));
  }
  element root;
  auto code = parser.parse(bytes_.data(), bytes_.size(), false).get(root);
  if (code != simdjson::SUCCESS) return refusal(words_for(code, depth_max));
  if (root.get(root_) != simdjson::SUCCESS) return refusal("The body has to be a JSON object.");
  if (const char* why = bad_escape(bytes_)) return refusal(why);
  std::string path;
  if (find_duplicate(root, path)) {
    // A key may be anything, and of any length.
    if (path.size() > 200) path = path.substr(0, path.find('.')).substr(0, 200);
    return refusal("The body says `" + path + "` twice.", path);
  }
  return std::nullopt;
}

slice_list request_json::slices(std::string_view container) const {
  slice_list out;
  auto room = container.size() + simdjson::SIMDJSON_PADDING;
  simdjson::padded_string_view view{container.data(), container.size(), room};
  simdjson::ondemand::document document;
  if (kept().parts.iterate(view).get(document) != simdjson::SUCCESS) return out;
  simdjson::ondemand::object fields;
  simdjson::ondemand::array items;
  if (container.front() == '{') {
    if (document.get_object().get(fields) != simdjson::SUCCESS) return out;
    for (auto field : fields) {
      simdjson::ondemand::value value;
      if (field.value().get(value) != simdjson::SUCCESS) return out;
      out.add(bytes_of(value));
    }
  } else if (document.get_array().get(items) == simdjson::SUCCESS) {
    for (auto item : items) {
      simdjson::ondemand::value value;
      if (item.get(value) != simdjson::SUCCESS) return out;
      out.add(bytes_of(value));
    }
  }
  return out;
}

std::string_view request_json::slice(std::string_view object, std::string_view key) const {
  auto room = object.size() + simdjson::SIMDJSON_PADDING;
  simdjson::padded_string_view view{object.data(), object.size(), room};
  simdjson::ondemand::document document;
  simdjson::ondemand::object fields;
  if (kept().parts.iterate(view).get(document) != simdjson::SUCCESS) return {};
  if (document.get_object().get(fields) != simdjson::SUCCESS) return {};
  for (auto field : fields) {
    std::string_view name;
    simdjson::ondemand::value value;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return {};
    auto is_it = name == key;
    if (field.value().get(value) != simdjson::SUCCESS) return {};
    if (is_it) return bytes_of(value);
  }
  return {};
}

}  // namespace tandem::dialect
