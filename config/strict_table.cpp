#include "config/strict_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "config/load.hpp"
#include "config/toml_guard.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Beyond this nobody reads on.
constexpr std::size_t toml_problems_max = 100;

std::string shortest(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", number);
  return text.data();
}

std::string limits_text(number_limits limits) {
  return "a number from " + shortest(limits.min) + " to " + shortest(limits.max);
}

std::optional<number_kind> kind_named(std::string_view name) {
  for (auto kind : {number_kind::measured, number_kind::derived, number_kind::assumed}) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace

void toml_problems::add(const toml::source_region& where, std::string_view text) {
  if (lines_.size() >= toml_problems_max) return;
  lines_.push_back(source_ + ":" + std::to_string(where.begin.line) + ":" +
                   std::to_string(where.begin.column) + ": " + std::string{text});
}

caf::error toml_problems::error() const {
  std::string all;
  for (const auto& line : lines_) all += (all.empty() ? "" : "\n") + line;
  return make_error(errc::invalid_argument, all);
}

caf::expected<toml::table> parse_toml(std::string_view text, const std::string& source) {
  if (text.size() > config_bytes_max)
    return make_error(errc::invalid_argument, source + ": the file is larger than 1 MiB");
  if (auto line = find_deep_key(text); line != 0)
    return make_error(errc::invalid_argument,
                      source + ":" + std::to_string(line) + ": a key has more than 16 parts");
  try {
    return toml::parse(text, std::string_view{source});
  } catch (const toml::parse_error& err) {
    const auto& begin = err.source().begin;
    auto reason = quote_word(err.description());
    return make_error(errc::invalid_argument,
                      source + ":" + std::to_string(begin.line) + ":" +
                          std::to_string(begin.column) +
                          ": this is no TOML: " + reason.substr(1, reason.size() - 2));
  }
}

std::optional<double> toml_number(const toml::node& node) {
  auto number = node.value<double>();
  if (!node.is_number() || !number || !std::isfinite(*number)) return std::nullopt;
  return number;
}

const toml::node* strict_table::node(std::string_view key) {
  asked_.emplace(key);
  return table_.get(key);
}

std::string strict_table::child_name(std::string_view key) const {
  if (shown_.empty()) return std::string{key};
  auto inner = shown_;
  std::erase_if(inner, [](char c) { return c == '[' || c == ']'; });
  return inner + "." + std::string{key};
}

void strict_table::problem(std::string_view key, std::string_view text) {
  const auto* found = table_.get(key);
  problems_.add(found != nullptr ? found->source() : table_.source(), text);
}

void strict_table::require(std::string_view key, bool is_there) {
  if (is_there || table_.get(key) != nullptr) return;
  problems_.add(table_.source(),
                (shown_.empty() ? "the file" : shown_) + " must have " + quote_word(key));
}

bool strict_table::in_limits(std::string_view key, double value, number_limits limits) {
  if (value >= limits.min && value <= limits.max) return true;
  problem(key, std::string{key} + " = " + shortest(value) + " must be " + limits_text(limits));
  return false;
}

std::optional<std::string> strict_table::text(std::string_view key, std::size_t bytes_max) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  const auto* text = found->as_string();
  if (text == nullptr || text->get().size() > bytes_max) {
    problem(key, std::string{key} + " must be a text of at most " + std::to_string(bytes_max) +
                     " bytes, in quotes");
    return std::nullopt;
  }
  return text->get();
}

std::optional<bool> strict_table::flag(std::string_view key) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  const auto* flag = found->as_boolean();
  if (flag == nullptr) {
    problem(key, std::string{key} + " must be true or false");
    return std::nullopt;
  }
  return flag->get();
}

std::optional<double> strict_table::plain(std::string_view key, number_limits limits) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  auto value = toml_number(*found);
  if (!value) {
    problem(key, std::string{key} + " must be " + limits_text(limits));
    return std::nullopt;
  }
  if (!in_limits(key, *value, limits)) return std::nullopt;
  return value;
}

std::optional<strict_table::pair> strict_table::range(std::string_view key, number_limits limits) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  const auto* list = found->as_array();
  if (list == nullptr) {
    auto one = plain(key, limits);
    if (!one) return std::nullopt;
    return pair{*one, *one};
  }
  std::vector<double> both;
  for (const auto& item : *list) {
    if (auto value = toml_number(item); value && both.size() < 3) both.push_back(*value);
  }
  if (both.size() != 2 || list->size() != 2 || both[0] > both[1]) {
    problem(key, std::string{key} + " must be one number or two in order, such as [60, 85]");
    return std::nullopt;
  }
  if (!in_limits(key, both[0], limits) || !in_limits(key, both[1], limits)) return std::nullopt;
  return pair{both[0], both[1]};
}

std::optional<sourced_number> strict_table::number(std::string_view key, number_limits limits) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  const auto* fields = found->as_table();
  if (fields == nullptr) {
    auto value = plain(key, limits);
    if (!value) return std::nullopt;
    return sourced_number::exact(*value, number_kind::assumed);
  }
  strict_table inner{*fields, child_name(key), problems_};
  auto value = inner.plain("value", limits);
  inner.require("value", value.has_value());
  return sourced(key, value.value_or(limits.min), limits);
}

std::optional<sourced_number> strict_table::sourced(std::string_view key, double value,
                                                    number_limits limits) {
  const auto* found = node(key);
  const auto* fields = found != nullptr ? found->as_table() : nullptr;
  if (fields == nullptr) return std::nullopt;
  strict_table inner{*fields, child_name(key), problems_};
  (void)inner.node("value");
  auto low = inner.plain("low", limits);
  auto high = inner.plain("high", limits);
  auto kind = inner.text("kind", 16).value_or("assumed");
  auto source = inner.text("source").value_or("");
  inner.finish();
  auto known = kind_named(kind);
  if (!known) {
    inner.problem("kind", "kind = " + quote_word(kind) + " must be measured, derived or assumed");
    return std::nullopt;
  }
  if (*known != number_kind::assumed && source.empty()) {
    problem(key, std::string{key} + " is " + kind +
                     " and must say its source; without one it is "
                     "assumed");
    return std::nullopt;
  }
  sourced_number number{value, low.value_or(value), high.value_or(value), *known,
                        std::move(source)};
  if (number.low > number.value || number.value > number.high) {
    problem(key, std::string{key} + " must have low <= value <= high");
    return std::nullopt;
  }
  return number;
}

std::optional<std::string> strict_table::choice(std::string_view key,
                                                std::vector<std::string_view> choices) {
  auto word = text(key, 64);
  if (!word) return std::nullopt;
  if (std::find(choices.begin(), choices.end(), *word) != choices.end()) return word;
  problem(key, std::string{key} + " = " + quote_word(*word) + " must be " + list_words(choices) +
                   ", in quotes");
  return std::nullopt;
}

std::optional<strict_table> strict_table::table(std::string_view key) {
  const auto* found = node(key);
  if (found == nullptr) return std::nullopt;
  auto name = "[" + child_name(key) + "]";
  const auto* fields = found->as_table();
  if (fields == nullptr) {
    problem(key, std::string{key} + " must be a section; write " + name + " and its keys below it");
    return std::nullopt;
  }
  return strict_table{*fields, std::move(name), problems_};
}

std::vector<strict_table> strict_table::tables(std::string_view key, std::size_t items_max) {
  std::vector<strict_table> all;
  const auto* found = node(key);
  if (found == nullptr) return all;
  auto name = "[[" + child_name(key) + "]]";
  const auto* list = found->as_array();
  if (list == nullptr || !list->is_array_of_tables() || list->size() > items_max) {
    problem(key, std::string{key} + " must be a list of at most " + std::to_string(items_max) +
                     " sections; write " + name + " and its keys below it, once for each");
    return all;
  }
  for (const auto& item : *list) all.emplace_back(*item.as_table(), name, problems_);
  return all;
}

void strict_table::finish() {
  for (const auto& [key, node] : table_) {
    if (asked_.contains(key.str())) continue;
    std::vector<std::string_view> known{asked_.begin(), asked_.end()};
    auto nearest = nearest_word(key.str(), known);
    auto text = "there is no key " + quote_word(key.str()) + " in " +
                (shown_.empty() ? std::string{"the file"} : shown_);
    if (!nearest.empty()) text += "; did you mean " + quote_word(nearest) + "?";
    problems_.add(key.source(), text);
  }
}

}  // namespace tandem
