#include "actors/openai/field_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "schema/text.hpp"

namespace tandem::dialect {
namespace {

std::string_view name_of(element_type type) {
  switch (type) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
      return "an integer";
    case element_type::DOUBLE:
      return "a number";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "a boolean";
    default:
      return "null";
  }
}

void append_number(std::string& out, double value) {
  std::array<char, 32> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string to_string(const place& at) {
  std::string out = at.above != nullptr ? to_string(*at.above) : std::string{};
  if (at.index != place::no_index) return out + '[' + std::to_string(at.index) + ']';
  if (!out.empty()) out += '.';
  return out + std::string{at.name};
}

bool field_reader::boolean(element value, const place& at, bool& out) {
  return value.get(out) == simdjson::SUCCESS || wrong_type(at, "a boolean", value);
}

bool field_reader::integer(element value, const place& at, std::int64_t low, std::int64_t high,
                           std::int64_t& out) {
  double real = 0;
  if (value.get(out) != simdjson::SUCCESS) {
    if (value.type() == element_type::UINT64)
      return wrong_range(at, static_cast<double>(low), static_cast<double>(high));
    if (value.type() != element_type::DOUBLE || value.get(real) != simdjson::SUCCESS)
      return wrong_type(at, "an integer", value);
    if (std::trunc(real) != real) return wrong_type(at, "an integer", value);
    if (std::abs(real) > 9e15)
      return wrong_range(at, static_cast<double>(low), static_cast<double>(high));
    out = static_cast<std::int64_t>(real);
  }
  if (out >= low && out <= high) return true;
  return wrong_range(at, static_cast<double>(low), static_cast<double>(high));
}

bool field_reader::number(element value, const place& at, double low, double high, double& out) {
  // A boolean is no number, and a whole number is one.
  if (value.get(out) != simdjson::SUCCESS) return wrong_type(at, "a number", value);
  if (std::isfinite(out) && out >= low && out <= high) return true;
  return wrong_range(at, low, high);
}

bool field_reader::string(element value, const place& at, std::string_view& out) {
  return value.get(out) == simdjson::SUCCESS || wrong_type(at, "a string", value);
}

bool field_reader::fields(element value, const place& at, object& out) {
  return value.get(out) == simdjson::SUCCESS || wrong_type(at, "an object", value);
}

bool field_reader::items(element value, const place& at, array& out) {
  return value.get(out) == simdjson::SUCCESS || wrong_type(at, "an array", value);
}

bool field_reader::member(const object& fields, std::string_view name, const place& at,
                          element& out) {
  if (fields.at_key(name).get(out) == simdjson::SUCCESS) return true;
  return refuse({&at, name}, "is missing", "missing_required_parameter");
}

bool field_reader::refuse(const place& at, std::string_view why, std::string_view code) {
  error_.param = valid_utf8(cut(to_string(at), 200));
  error_.message = "`" + error_.param + "` ";
  error_.message.append(why).append(1, '.');
  error_.code = code;
  return false;
}

bool field_reader::wrong_type(const place& at, std::string_view expected, element got) {
  std::string why{"has to be "};
  why.append(expected).append(", not ").append(name_of(got.type()));
  return refuse(at, why, "invalid_type");
}

bool field_reader::wrong_range(const place& at, double low, double high) {
  std::string why{"has to be "};
  if (high >= 9e15) {
    why += "at least ";
    append_number(why, low);
  } else {
    why += "from ";
    append_number(why, low);
    why += " to ";
    append_number(why, high);
  }
  return refuse(at, why, "value_out_of_range");
}

bool find(const object& fields, std::string_view name, element& out) {
  return fields.at_key(name).get(out) == simdjson::SUCCESS && !out.is_null();
}

std::string quotable(std::string_view text, std::size_t bytes_max) {
  std::string out{text.substr(0, bytes_max)};
  for (char& c : out) {
    auto is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '.' || c == '-' || c == '[' || c == ']';
    if (!is_plain) c = '?';
  }
  return out;
}

}  // namespace tandem::dialect
