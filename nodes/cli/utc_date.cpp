#include "nodes/cli/utc_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace tandem::cli {
namespace {

constexpr std::uint64_t day_ms = 86'400'000;

/// All of `text`, digits alone.
std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto* end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> parse_day(std::string_view text, std::uint64_t now_ms) {
  auto today = now_ms - now_ms % day_ms;
  if (text == "today") return today;
  if (text == "yesterday") return today - day_ms;
  if (text.ends_with('d')) {
    auto days = number(text.substr(0, text.size() - 1));
    if (!days || *days > today / day_ms) return std::nullopt;
    return today - *days * day_ms;
  }
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto year = number(text.substr(0, 4));
  auto month = number(text.substr(5, 2));
  auto day = number(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                   std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return static_cast<std::uint64_t>(days) * day_ms;
}

std::string day_text(std::uint64_t unix_ms) {
  // Beyond the year 9999 nobody means a day.
  constexpr std::uint64_t last_day = 2'932'896;
  auto days = std::min(unix_ms / day_ms, last_day);
  std::chrono::year_month_day date{
      std::chrono::sys_days{std::chrono::days{static_cast<std::int64_t>(days)}}};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace tandem::cli
