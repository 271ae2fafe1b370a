#include "config/quantity.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <span>

namespace tandem {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t second = 1'000'000;
/// From the largest: printing takes the first that divides.
constexpr std::array time_units{unit{"d", 86'400 * second}, unit{"h", 3'600 * second},
                                unit{"min", 60 * second},   unit{"s", second},
                                unit{"ms", 1'000},          unit{"us", 1}};
constexpr std::array size_units{unit{"GiB", 1u << 30}, unit{"MiB", 1u << 20}, unit{"KiB", 1u << 10},
                                unit{"B", 1}};
constexpr std::uint64_t time_max = 36'500ull * 86'400 * second;
constexpr std::uint64_t size_max = 1ull << 53;

std::optional<std::uint64_t> parse(std::string_view text, std::span<const unit> units,
                                   std::uint64_t max) {
  std::uint64_t number = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return std::nullopt;
  auto name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& candidate : units) {
    if (candidate.name != name) continue;
    if (number > max / candidate.factor) return std::nullopt;
    return number * candidate.factor;
  }
  return std::nullopt;
}

std::string format(std::uint64_t value, std::span<const unit> units) {
  for (const auto& candidate : units) {
    if (value >= candidate.factor && value % candidate.factor == 0) {
      return std::to_string(value / candidate.factor) + std::string{candidate.name};
    }
  }
  return std::to_string(value) + std::string{units.back().name};
}

}  // namespace

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
  auto value = parse(text, time_units, time_max);
  if (!value) return std::nullopt;
  return std::chrono::microseconds{static_cast<std::int64_t>(*value)};
}

std::string format_duration(std::chrono::microseconds duration) {
  if (duration.count() <= 0) return "0s";
  return format(static_cast<std::uint64_t>(duration.count()), time_units);
}

std::optional<std::size_t> parse_size(std::string_view text) {
  return parse(text, size_units, size_max);
}

std::string format_size(std::size_t bytes) {
  return format(bytes, size_units);
}

}  // namespace tandem
