#include "nodes/economics/figures.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace tandem {
namespace {

std::string formatted(const char* form, double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), form, number);
  return text.data();
}

std::string with_commas(std::string digits) {
  auto end = digits.find('.');
  auto begin = digits.starts_with('-') ? 1u : 0u;
  for (auto at = end == digits.npos ? digits.size() : end; at > begin + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

/// `%g` in full digits.
std::string significant(double number, int digits) {
  if (number == 0) return "0";
  auto magnitude = static_cast<int>(std::floor(std::log10(std::abs(number))));
  auto decimals = std::max(0, digits - 1 - magnitude);
  auto text = formatted(("%." + std::to_string(std::min(decimals, 12)) + "f").c_str(), number);
  if (text.find('.') != text.npos) {
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  return with_commas(text);
}

}  // namespace

std::string usd(double amount) {
  if (!std::isfinite(amount)) return "without limit";
  auto size = std::abs(amount);
  auto sign = std::string{amount < 0 ? "-$" : "$"};
  if (size >= 9.9995e11) return sign + with_commas(formatted("%.2f", size / 1e12)) + "T";
  if (size >= 9.9995e8) return sign + formatted("%.2fB", size / 1e9);
  if (size >= 9.9995e7) return sign + formatted("%.1fM", size / 1e6);
  if (size >= 9.9995e5) return sign + formatted("%.2fM", size / 1e6);
  if (size >= 999.5) return sign + with_commas(formatted("%.0f", size));
  if (size >= 1) return sign + formatted("%.2f", size);
  return sign + significant(size, 3);
}

std::string percent(double share) {
  if (!std::isfinite(share)) return "without limit";
  auto size = std::abs(share);
  return with_commas(formatted(size >= 2 ? "%.0f" : "%.1f", 100 * share)) + "%";
}

std::string figure(double number) {
  if (!std::isfinite(number)) return "without limit";
  return significant(number, 4);
}

std::string milliseconds(double ms) {
  if (ms >= 120'000) return figure(ms / 60'000) + " min";
  return ms >= 1000 ? formatted("%.1f s", ms / 1000) : formatted("%.0f ms", ms);
}

}  // namespace tandem
