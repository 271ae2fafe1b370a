#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "actors/openai/sampling_fields.hpp"

namespace tandem::dialect {
namespace {

constexpr std::array<std::string_view, 13> option_names{
    "background", "budget_tokens", "budget_usd", "cache", "check",      "client_key", "mode",
    "priority",   "progress",      "session",    "tags",  "timeout_ms", "weights"};
constexpr std::array<std::string_view, 7> check_kinds{"command", "contains", "exact", "json_schema",
                                                      "judge",   "number",   "regex"};
constexpr std::array<std::string_view, 2> check_members{"argument", "kind"};

template <class Value>
struct named {
  std::string_view name;
  Value value;
};

template <class Value>
named(const char*, Value) -> named<Value>;

constexpr std::array modes{
    named{"plan_act", schema::PlanMode::PLAN_ACT}, named{"large", schema::PlanMode::LARGE},
    named{"small", schema::PlanMode::SMALL}, named{"auto", schema::PlanMode::AUTO}};
constexpr std::array cache_uses{named{"use", schema::CacheUse::USE},
                                named{"refresh", schema::CacheUse::REFRESH},
                                named{"off", schema::CacheUse::OFF}};
constexpr std::array weight_policies{named{"fail", schema::WeightPolicy::FAIL},
                                     named{"mix", schema::WeightPolicy::MIX}};

constexpr std::size_t tags_max = 32;
constexpr std::size_t tag_bytes_max = 256;
constexpr std::size_t key_bytes_max = 256;
constexpr std::size_t argument_bytes_max = std::size_t{1} << 20;
constexpr double budget_usd_max = 1e9;
constexpr std::int64_t number_max = std::int64_t{1} << 53;

/// Levenshtein's distance of short words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto before = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, before + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      before = above;
    }
  }
  return row[b.size()];
}

template <std::size_t Count>
bool refuse_key(field_reader& reader, const place& at,
                const std::array<std::string_view, Count>& known) {
  auto key = at.name.substr(0, 64);
  auto far = [key](std::string_view name) { return distance(key, name); };
  auto nearest = *std::ranges::min_element(known, {}, far);
  return reader.refuse(at, "is no option of Tandem; the nearest is `" + std::string{nearest} + "`",
                       "unknown_parameter");
}

template <class Table>
bool read_name(field_reader& reader, element value, const place& at, const Table& table,
               decltype(Table::value_type::value)& out) {
  std::string_view text;
  if (!reader.string(value, at, text)) return false;
  std::string all;
  for (const auto& entry : table) {
    if (entry.name == text) {
      out = entry.value;
      return true;
    }
    all.append(all.empty() ? "" : ", ").append(entry.name);
  }
  return reader.refuse(at, "has to be one of " + all);
}

bool read_text(field_reader& reader, element value, const place& at, std::size_t bytes_max,
               std::string& out) {
  std::string_view text;
  if (!reader.string(value, at, text)) return false;
  if (text.size() > bytes_max)
    return reader.refuse(at, "has more than " + std::to_string(bytes_max) + " bytes", "too_long");
  out = text;
  return true;
}

bool read_check(field_reader& reader, element value, const place& at, tandem_options& out) {
  object fields;
  if (!reader.fields(value, at, fields)) return false;
  for (auto field : fields) {
    place inner{&at, field.key};
    if (field.key == "kind") {
      if (!read_text(reader, field.value, inner, 64, out.check_kind)) return false;
    } else if (field.key == "argument") {
      if (!read_text(reader, field.value, inner, argument_bytes_max, out.check_argument))
        return false;
    } else {
      return refuse_key(reader, inner, check_members);
    }
  }
  place kind_at{&at, "kind"};
  if (out.check_kind.empty())
    return reader.refuse(kind_at, "is missing", "missing_required_parameter");
  if (std::ranges::find(check_kinds, out.check_kind) != check_kinds.end()) return true;
  return reader.refuse(
      kind_at, "has to be one of number, exact, contains, regex, json_schema, judge, command");
}

bool read_tags(field_reader& reader, element value, const place& at, tandem_options& out) {
  array items;
  if (!reader.items(value, at, items)) return false;
  if (items.size() > tags_max) return reader.refuse(at, "has more than 32 items", "too_long");
  std::size_t index = 0;
  for (auto item : items) {
    std::string tag;
    if (!read_text(reader, item, at_index(at, index++), tag_bytes_max, tag)) return false;
    out.tags.push_back(std::move(tag));
  }
  return true;
}

bool read_numbers(field_reader& reader, std::string_view key, element value, const place& at,
                  tandem_options& out) {
  std::int64_t whole = 0;
  double usd = 0;
  if (key == "budget_usd") {
    if (!reader.number(value, at, 0, budget_usd_max, usd)) return false;
    out.budget_nanousd = std::llround(usd * 1e9);
    // 0 is no limit there; who allows next to nothing does not mean that.
    if (usd > 0 && out.budget_nanousd == 0) out.budget_nanousd = 1;
    return true;
  }
  auto is_priority = key == "priority";
  auto least = is_priority ? -100 : 0;
  auto most = is_priority ? 100 : number_max;
  if (!reader.integer(value, at, least, most, whole)) return false;
  if (is_priority) out.priority = static_cast<std::int8_t>(whole);
  if (key == "budget_tokens") out.budget_tokens = static_cast<std::uint64_t>(whole);
  if (key == "timeout_ms") out.timeout_ms = static_cast<std::uint64_t>(whole);
  return true;
}

bool read_option(field_reader& reader, std::string_view key, element value, const place& at,
                 tandem_options& out) {
  if (key == "mode") return read_name(reader, value, at, modes, out.mode);
  if (key == "cache") return read_name(reader, value, at, cache_uses, out.cache);
  if (key == "weights") return read_name(reader, value, at, weight_policies, out.weights);
  if (key == "check") return read_check(reader, value, at, out);
  if (key == "tags") return read_tags(reader, value, at, out);
  if (key == "session") return read_text(reader, value, at, key_bytes_max, out.session);
  if (key == "client_key") return read_text(reader, value, at, key_bytes_max, out.client_key);
  if (key == "background") return reader.boolean(value, at, out.background);
  if (key == "progress") return reader.boolean(value, at, out.progress);
  if (key == "budget_usd" || key == "budget_tokens" || key == "priority" || key == "timeout_ms")
    return read_numbers(reader, key, value, at, out);
  return refuse_key(reader, at, option_names);
}

}  // namespace

bool read_options(field_reader& reader, const object& fields, const place* above,
                  tandem_options& out) {
  for (auto field : fields) {
    auto is_callers = above == nullptr && (field.key == "goal" || field.key == "messages");
    auto is_known = std::ranges::find(option_names, field.key) != option_names.end();
    if (is_callers || (is_known && field.value.is_null())) continue;
    place at{above, field.key};
    if (!read_option(reader, field.key, field.value, at, out)) return false;
  }
  return true;
}

}  // namespace tandem::dialect

namespace tandem {

std::variant<tandem_options, openai_error> read_tandem_options(std::string_view json) {
  dialect::request_json request;
  if (auto error = request.parse(json, client_limits{}.depth_max)) return *std::move(error);
  dialect::field_reader reader;
  tandem_options out;
  if (!dialect::read_options(reader, request.root(), nullptr, out))
    return std::move(reader.error());
  return out;
}

}  // namespace tandem
