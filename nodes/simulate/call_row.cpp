#include "nodes/simulate/call_row.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <unordered_map>

namespace tandem::simulation {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;

/// Unix times above this are in milliseconds: as seconds it is the year 5138.
constexpr double seconds_end = 1e11;

std::optional<double> number_of(element row, std::string_view key) {
  double value = 0;
  if (row[key].get(value) != SUCCESS) return std::nullopt;
  return value;
}

std::optional<double> time_of(element row) {
  for (std::string_view key :
       {"arrival_ms", "created", "time", "timestamp", "startTime", "start"}) {
    if (auto value = number_of(row, key)) {
      if (*value < 0 || *value > 1e16) return std::nullopt;
      return key == "arrival_ms" || *value >= seconds_end ? *value / 1000 : *value;
    }
    std::string_view text;
    if (row[key].get(text) == SUCCESS) return seconds_of_stamp(text);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> tokens_of(element row, std::string_view key) {
  auto value = number_of(row, key);
  if (!value || *value < 0 || *value > 1e15) return std::nullopt;
  return bounded_tokens(static_cast<std::uint64_t>(*value));
}

void read_text(element row, std::string_view key, std::string& out) {
  std::string_view text;
  if (row[key].get(text) == SUCCESS) out = text.substr(0, 64);
}

}  // namespace

std::optional<double> seconds_of_stamp(std::string_view text) {
  std::string stamp{text.substr(0, 64)};
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  char between = 0;
  if (std::sscanf(stamp.c_str(), "%4d-%2u-%2u%c%2u:%2u:%lf", &year, &month, &day, &between, &hour,
                  &minute, &second) != 7 ||
      (between != ' ' && between != 'T') || hour > 24 || minute > 60 ||
      !(second >= 0 && second < 62))
    return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                   std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return static_cast<double>(days) * 86'400 + hour * 3600 + minute * 60 + second;
}

bool read_call_row(simdjson::dom::parser& parser, std::string_view line, work_item& out,
                   std::string& problem) {
  element row;
  if (parser.parse(line.data(), line.size()).get(row) != SUCCESS || !row.is_object()) {
    problem = "is no JSON object";
    return false;
  }
  auto at = time_of(row);
  if (!at) {
    problem = "has no time: `created`, `time` or `timestamp`, in Unix seconds or as ISO 8601";
    return false;
  }
  out.at_s = *at;
  element usage = row;
  if (element inner; row["usage"].get(inner) == SUCCESS && inner.is_object()) usage = inner;
  auto input = tokens_of(usage, "prompt_tokens");
  if (!input) input = tokens_of(usage, "input_tokens");
  auto output = tokens_of(usage, "completion_tokens");
  if (!output) output = tokens_of(usage, "output_tokens");
  if (!input || !output) {
    problem = "has no usage: prompt_tokens and completion_tokens, in `usage` or beside it";
    return false;
  }
  out.input_tokens = *input;
  out.output_tokens = *output;
  read_text(row, "user", out.tenant);
  read_text(row, "tenant", out.tenant);
  return true;
}

}  // namespace tandem::simulation
