#include "nodes/cli/route_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/format.hpp"

namespace tandem::cli {
namespace {

constexpr double plain_max = 1e9;

std::string print(const char* plain, const char* power, double number, int digits) {
  if (!std::isfinite(number)) return "?";
  std::array<char, 64> text{};
  const auto* format = std::abs(number) < plain_max ? plain : power;
  std::snprintf(text.data(), text.size(), format, digits, number);
  return text.data();
}

}  // namespace

std::string fixed_number(double number, int digits) {
  return print("%.*f", "%.*e", number, digits);
}

std::string signed_number(double number, int digits) {
  return print("%+.*f", "%+.*e", number, digits);
}

std::string formatted(double number, const char* form) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), form, number);
  return text.data();
}

std::string percent(double share) {
  auto number = share * 100;
  auto is_whole = std::abs(number - std::round(number)) < 0.05;
  auto text = fixed_number(number, is_whole ? 0 : 1);
  return text == "?" ? text : text + '%';
}

std::string human_duration_us(std::uint64_t us) {
  auto shown = std::min<std::uint64_t>(us, std::uint64_t{1} << 52);
  return human_duration(std::chrono::microseconds{static_cast<std::int64_t>(shown)});
}

}  // namespace tandem::cli
