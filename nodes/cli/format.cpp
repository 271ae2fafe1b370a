#include "nodes/cli/format.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace tandem::cli {
namespace {

template <class... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

using ull = unsigned long long;

/// `3 h 12 min`, the second part only when it is not zero.
std::string two_units(ull large, const char* large_name, ull small, const char* small_name) {
  auto result = print("%llu %s", large, large_name);
  return small == 0 ? result : result + print(" %llu %s", small, small_name);
}

}  // namespace

std::string human_duration(std::chrono::microseconds duration) {
  if (duration.count() < 0) return "-" + human_duration(-duration);
  auto us = static_cast<ull>(duration.count());
  if (us < 1000) return print("%llu us", us);
  auto ms = (us + 500) / 1000;
  if (ms < 1000) return print("%llu ms", ms);
  auto seconds = static_cast<double>(us) / 1e6;
  if (seconds < 9.995) return print("%.2f s", seconds);
  if (seconds < 59.95) return print("%.1f s", seconds);
  auto whole = (us + 500'000) / 1'000'000;
  if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
  auto minutes = whole / 60;
  if (minutes < 1440) return two_units(minutes / 60, "h", minutes % 60, "min");
  auto hours = minutes / 60;
  return two_units(hours / 24, "d", hours % 24, "h");
}

std::string human_money(std::int64_t nanousd) {
  constexpr ull dollar = 1'000'000'000;
  auto minus = nanousd < 0 ? "-" : "";
  auto amount = nanousd < 0 ? ull{0} - static_cast<ull>(nanousd) : static_cast<ull>(nanousd);
  if (amount == 0) return "$0";
  if (amount < 1000) return print("%s$0.%09llu", minus, amount);
  if (amount < dollar) {
    auto micro = (amount + 500) / 1000;
    return print("%s$%llu.%06llu", minus, micro / 1'000'000, micro % 1'000'000);
  }
  auto part = (amount % dollar + 50'000) / 100'000;
  return print("%s$%llu.%04llu", minus, amount / dollar + part / 10'000, part % 10'000);
}

std::optional<double> saving_percent(std::int64_t cost, std::int64_t all_large) {
  if (all_large <= 0) return std::nullopt;
  return 100.0 * (1.0 - static_cast<double>(cost) / static_cast<double>(all_large));
}

std::string human_saving(std::int64_t cost, std::int64_t all_large) {
  auto saved = saving_percent(cost, all_large);
  if (!saved) return {};
  return *saved < 0 ? print("%.1f%% dearer", -*saved) : print("%.1f%% saved", *saved);
}

std::string human_count(std::uint64_t number) {
  auto digits = std::to_string(number);
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? print("%llu B", static_cast<ull>(bytes))
                   : print("%.1f %s", amount, units[unit]);
}

std::string human_time(std::uint64_t unix_ms) {
  auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  if (::localtime_r(&seconds, &parts) == nullptr) return "?";
  std::array<char, 64> text{};
  auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &parts);
  return {text.data(), length};
}

std::string human_age(std::uint64_t unix_ms, std::uint64_t now) {
  auto is_past = unix_ms <= now;
  auto distance = is_past ? now - unix_ms : unix_ms - now;
  if (distance < 1000) return "just now";
  auto seconds = distance / 1000;
  std::string amount;
  if (seconds < 60)
    amount = print("%llu s", static_cast<ull>(seconds));
  else if (seconds < 3600)
    amount = print("%llu min", static_cast<ull>(seconds / 60));
  else if (seconds < 86'400)
    amount = print("%llu h", static_cast<ull>(seconds / 3600));
  else
    amount = print("%llu d", static_cast<ull>(seconds / 86'400));
  return is_past ? amount + " ago" : "in " + amount;
}

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

std::string plural(std::uint64_t count, const std::string& noun) {
  return human_count(count) + ' ' + noun + (count == 1 ? "" : "s");
}

}  // namespace tandem::cli
