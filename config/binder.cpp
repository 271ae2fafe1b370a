#include "config/binder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "config/node_config.hpp"

namespace tandem {
namespace {

constexpr std::size_t name_length_max = 63;
constexpr std::size_t path_bytes_max = 4096;
constexpr std::size_t list_length_max = 64;
constexpr std::size_t arguments_max = 256;
constexpr std::size_t argument_bytes_max = 32 * 1024;
constexpr auto name_form = "1 to 63 letters, digits, '.', '_' or '-', in quotes";

bool read_text(const raw_value& raw, std::string& member) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text == nullptr) return false;
  member = *text;
  return true;
}

std::string print_double(double number) {
  std::array<char, 64> text{};
  auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), number);
  std::string result(text.data(), failure == std::errc{} ? end : text.data());
  if (result.find_first_of(".einf") == std::string::npos) result += ".0";
  return result;
}

std::string print_list(const std::vector<std::string>& list) {
  std::string result = "[";
  for (const auto& item : list) {
    if (result.size() > 1) result += ", ";
    result += toml_string(item);
  }
  return result + "]";
}

}  // namespace

bool is_config_name(std::string_view text) {
  return !text.empty() && text.size() <= name_length_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

config_field bind_size(std::string_view key, std::size_t& member, std::string doc, std::size_t min,
                       std::size_t max) {
  return {key,
          std::move(doc),
          "a size such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\", from " + format_size(min) +
              " to " + format_size(max),
          [&member](const raw_value& raw) {
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr) return false;
            auto parsed = parse_size(*text);
            if (!parsed) return false;
            member = *parsed;
            return true;
          },
          [&member, min, max] { return member >= min && member <= max; },
          [&member] { return "\"" + format_size(member) + "\""; }};
}

config_field bind_number(std::string_view key, double& member, std::string doc, double min,
                         double max) {
  return {key,
          std::move(doc),
          "a number from " + print_double(min) + " to " + print_double(max),
          [&member](const raw_value& raw) {
            if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) {
              member = static_cast<double>(*whole);
              return true;
            }
            const auto* number = std::get_if<double>(&raw.value);
            if (number == nullptr || !std::isfinite(*number)) return false;
            member = *number;
            return true;
          },
          [&member, min, max] { return member >= min && member <= max; },
          [&member] { return print_double(member); }};
}

config_field bind_flag(std::string_view key, bool& member, std::string doc) {
  return {key,
          std::move(doc),
          "true or false, without quotes",
          [&member](const raw_value& raw) {
            const auto* flag = std::get_if<bool>(&raw.value);
            if (flag == nullptr) return false;
            member = *flag;
            return true;
          },
          [] { return true; },
          [&member] { return std::string{member ? "true" : "false"}; }};
}

config_field bind_text(std::string_view key, std::string& member, std::string doc,
                       std::size_t bytes_max, std::size_t bytes_min) {
  return {key,
          std::move(doc),
          "a text of at most " + format_size(bytes_max) + ", in quotes",
          [&member](const raw_value& raw) { return read_text(raw, member); },
          [&member, bytes_min, bytes_max] {
            return member.size() >= bytes_min && member.size() <= bytes_max;
          },
          [&member] { return toml_string(member); }};
}

config_field bind_name(std::string_view key, std::string& member, std::string doc,
                       bool may_be_empty) {
  return {key,
          std::move(doc),
          name_form,
          [&member](const raw_value& raw) { return read_text(raw, member); },
          [&member, may_be_empty] {
            return is_config_name(member) || (may_be_empty && member.empty());
          },
          [&member] { return toml_string(member); }};
}

config_field bind_choice(std::string_view key, std::string& member, std::string doc,
                         std::vector<std::string_view> choices, bool may_be_empty) {
  return {key,
          std::move(doc),
          list_words(choices) + ", in quotes",
          [&member](const raw_value& raw) { return read_text(raw, member); },
          [&member, choices, may_be_empty] {
            if (member.empty() && may_be_empty) return true;
            return std::find(choices.begin(), choices.end(), member) != choices.end();
          },
          [&member] { return toml_string(member); }};
}

config_field bind_list(std::string_view key, std::vector<std::string>& member, std::string doc,
                       std::vector<std::string_view> choices) {
  auto form = choices.empty() ? std::string{"a list such as [\"a\", \"b\"]"}
                              : "a list of " + list_words(choices) + ", such as [\"" +
                                    std::string{choices.front()} + "\"]";
  return {key,
          std::move(doc),
          std::move(form),
          [&member](const raw_value& raw) {
            if (const auto* list = std::get_if<std::vector<std::string>>(&raw.value)) {
              member = *list;
              return true;
            }
            // On a command line: a,b
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr || text->empty()) return false;
            member.clear();
            for (std::size_t at = 0; at <= text->size();) {
              auto end = std::min(text->find(',', at), text->size());
              member.push_back(text->substr(at, end - at));
              at = end + 1;
            }
            return true;
          },
          [&member, choices] {
            if (member.size() > list_length_max) return false;
            auto sorted = member;
            std::sort(sorted.begin(), sorted.end());
            if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return false;
            return choices.empty() ||
                   std::all_of(member.begin(), member.end(), [&choices](const std::string& item) {
                     return std::find(choices.begin(), choices.end(), item) != choices.end();
                   });
          },
          [&member] { return print_list(member); }};
}

config_field bind_command(std::string_view key, std::vector<std::string>& member, std::string doc,
                          bool may_be_empty) {
  auto is_argument = [](const std::string& text) {
    return text.size() <= argument_bytes_max && text.find('\0') == std::string::npos;
  };
  return {key,
          std::move(doc),
          R"(a list of a program and its arguments, such as ["program", "--flag", "value"], at )"
          "most 256",
          [&member](const raw_value& raw) {
            const auto* list = std::get_if<std::vector<std::string>>(&raw.value);
            if (list == nullptr) return false;
            member = *list;
            return true;
          },
          [&member, may_be_empty, is_argument] {
            if (member.empty()) return may_be_empty;
            return !member.front().empty() && member.size() <= arguments_max &&
                   std::all_of(member.begin(), member.end(), is_argument);
          },
          [&member] { return print_list(member); }};
}

config_field bind_path(std::string_view key, std::filesystem::path& member, std::string doc) {
  return {key,
          std::move(doc),
          "a path in quotes",
          [&member](const raw_value& raw) {
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr) return false;
            if (text->empty()) {
              member.clear();
              return true;
            }
            auto path = expand_home(*text);
            if (path.is_relative() && !raw.folder.empty()) path = raw.folder / path;
            member = path.lexically_normal();
            return true;
          },
          [&member] {
            return member.native().size() <= path_bytes_max &&
                   member.native().find('\0') == std::string::npos;
          },
          [&member] { return toml_string(member.string()); }};
}

std::string print_raw(const raw_value& raw) {
  constexpr std::size_t shown_max = 80;
  std::string text;
  if (const auto* flag = std::get_if<bool>(&raw.value)) text = *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) text = std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&raw.value)) text = print_double(*number);
  if (const auto* string = std::get_if<std::string>(&raw.value)) {
    text = "\"" + *string + "\"";
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&raw.value))
    text = print_list(*list);
  if (text.empty()) return "something else";
  auto cut = quote_word(std::string_view{text}.substr(0, shown_max));
  return cut.substr(1, cut.size() - 2) + (text.size() > shown_max ? "..." : "");
}

}  // namespace tandem
