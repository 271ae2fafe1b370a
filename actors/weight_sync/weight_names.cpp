#include "actors/weight_sync/weight_names.hpp"

#include <algorithm>
#include <cctype>

namespace tandem {
namespace {

constexpr std::size_t name_bytes_max = 64;
// A longer number is compared as text would be: nobody counts so far.
constexpr std::size_t digits_max = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& from) {
  auto end = std::find_if_not(from.begin(), from.end(), is_digit);
  auto digits = from.substr(0, static_cast<std::size_t>(end - from.begin()));
  from.remove_prefix(digits.size());
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      auto left = take_digits(a);
      auto right = take_digits(b);
      if (auto by = left.size() <=> right.size(); by != 0) return by;
      if (auto by = left <=> right; by != 0) return by;
      continue;
    }
    auto by = static_cast<unsigned char>(a.front()) <=> static_cast<unsigned char>(b.front());
    if (by != 0) return by;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() <=> b.size();
}

std::string why_no_version(std::string_view name) {
  auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view{"._-+"}.find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > name_bytes_max || name.front() == '.' || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(), good))
    return "a version is 1 to 64 letters, digits, '.', '_', '-' or '+', and begins with none of "
           "'.' and '-'";
  return {};
}

std::string next_version(std::string_view newest) {
  auto end = newest.size();
  while (end > 0 && !is_digit(newest[end - 1])) --end;
  auto begin = end;
  while (begin > 0 && is_digit(newest[begin - 1]) && end - begin < digits_max) --begin;
  if (begin == end) return newest.empty() ? "1" : std::string{newest} + ".1";
  auto number = std::stoull(std::string{newest.substr(begin, end - begin)}) + 1;
  return std::string{newest.substr(0, begin)} + std::to_string(number) +
         std::string{newest.substr(end)};
}

}  // namespace tandem
