#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/quantity.hpp"
#include "config/words.hpp"

namespace tandem {

/// A value as it was written, whatever it was written in.
struct raw_value {
  /// monostate: something that no key takes (a table, a date, a list of other than strings).
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>
      value;
  /// Relative paths start here.
  std::filesystem::path folder;
};

/// One key bound to one member of one object, which must outlive it. The single place that knows a
/// key's name, meaning, form and limits: reading, checking, printing and the docs go through it.
struct config_field {
  std::string_view key;
  std::string doc;
  /// `a duration such as "250ms" or "5min", 1ms to 24h`
  std::string form;
  /// Takes the value if its type is right. False: it is not, and the member stays as it is.
  std::function<bool(const raw_value&)> read;
  /// Whether the member is within its limits.
  std::function<bool()> check;
  /// The member as TOML.
  std::function<std::string()> print;
};

using config_fields = std::vector<config_field>;

template <class Int>
config_field bind_integer(std::string_view key, Int& member, std::string doc, std::int64_t min,
                          std::int64_t max) {
  return {
      key,
      std::move(doc),
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max),
      [&member](const raw_value& raw) {
        const auto* number = std::get_if<std::int64_t>(&raw.value);
        if (number == nullptr || !std::in_range<Int>(*number)) return false;
        member = static_cast<Int>(*number);
        return true;
      },
      [&member, min, max] { return !std::cmp_less(member, min) && !std::cmp_greater(member, max); },
      [&member] { return std::to_string(member); }};
}

template <class Rep, class Period>
config_field bind_duration(std::string_view key, std::chrono::duration<Rep, Period>& member,
                           std::string doc, std::chrono::microseconds min,
                           std::chrono::microseconds max) {
  using duration = std::chrono::duration<Rep, Period>;
  return {key,
          std::move(doc),
          "a duration such as \"250ms\", \"10s\", \"5min\", \"4h\" or \"30d\", from " +
              format_duration(min) + " to " + format_duration(max) + ", in steps of " +
              format_duration(duration{1}),
          [&member](const raw_value& raw) {
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr) return false;
            auto parsed = parse_duration(*text);
            if (!parsed) return false;
            auto whole = std::chrono::floor<duration>(*parsed);
            if (whole != *parsed) return false;
            member = whole;
            return true;
          },
          [&member, min, max] { return member >= min && member <= max; },
          [&member] { return "\"" + format_duration(member) + "\""; }};
}

[[nodiscard]] config_field bind_size(std::string_view key, std::size_t& member, std::string doc,
                                     std::size_t min, std::size_t max);
[[nodiscard]] config_field bind_number(std::string_view key, double& member, std::string doc,
                                       double min, double max);
[[nodiscard]] config_field bind_flag(std::string_view key, bool& member, std::string doc);
/// Any text of `bytes_min` to `bytes_max`.
[[nodiscard]] config_field bind_text(std::string_view key, std::string& member, std::string doc,
                                     std::size_t bytes_max, std::size_t bytes_min = 0);
/// A name: letters, digits, `.`, `_`, `-`, at most 63; also nothing where `may_be_empty`.
[[nodiscard]] config_field bind_name(std::string_view key, std::string& member, std::string doc,
                                     bool may_be_empty = false);
/// One of `choices`; also nothing where `may_be_empty`.
[[nodiscard]] config_field bind_choice(std::string_view key, std::string& member, std::string doc,
                                       std::vector<std::string_view> choices,
                                       bool may_be_empty = false);
/// A list of some of `choices`, each at most once; of any names where there are none.
[[nodiscard]] config_field bind_list(std::string_view key, std::vector<std::string>& member,
                                     std::string doc, std::vector<std::string_view> choices);
/// A program and its arguments, which may be any texts without a zero byte; also nothing where
/// `may_be_empty`.
[[nodiscard]] config_field bind_command(std::string_view key, std::vector<std::string>& member,
                                        std::string doc, bool may_be_empty);
[[nodiscard]] config_field bind_path(std::string_view key, std::filesystem::path& member,
                                     std::string doc);

template <class Enum>
config_field bind_enum(std::string_view key, Enum& member, std::string doc,
                       std::vector<std::pair<std::string_view, Enum>> choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  return {key,
          std::move(doc),
          list_words(names) + ", in quotes",
          [&member, choices](const raw_value& raw) {
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr) return false;
            for (const auto& [name, value] : choices) {
              if (name != *text) continue;
              member = value;
              return true;
            }
            return false;
          },
          [] { return true; },
          [&member, choices] {
            for (const auto& [name, value] : choices) {
              if (value == member) return "\"" + std::string{name} + "\"";
            }
            return std::string{"\"\""};
          }};
}

[[nodiscard]] bool is_config_name(std::string_view text);

/// The value as it was written, for an error message.
[[nodiscard]] std::string print_raw(const raw_value& raw);

}  // namespace tandem
