#include "nodes/economics/log_time.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

namespace tandem {
namespace {

/// Takes digits from the front of a text.
class digit_reader {
 public:
  explicit digit_reader(std::string_view text) : rest_{text} {}

  std::optional<int> number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (auto c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = 10 * value + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == any_of.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  double fraction() {
    double value = 0;
    double place = 0.1;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; place /= 10) {
      value += place * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Seconds that a zone is ahead of UTC; nothing: it is none.
std::optional<double> zone_offset(digit_reader& in) {
  while (in.skip(" ")) {
  }
  if (in.rest().empty() || in.rest() == "Z" || in.rest() == "z" || in.rest() == "UTC") return 0;
  auto is_behind = in.rest().starts_with('-');
  if (!in.skip("+-")) return std::nullopt;
  auto hours = in.number(2);
  in.skip(":");
  auto minutes = in.rest().empty() ? std::optional<int>{0} : in.number(2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59 || !in.rest().empty()) return std::nullopt;
  auto seconds = 3600.0 * *hours + 60.0 * *minutes;
  return is_behind ? -seconds : seconds;
}

}  // namespace

std::optional<double> log_seconds(double number) {
  if (!std::isfinite(number) || number < 0 || number >= 1e20) return std::nullopt;
  if (number >= 1e17) return number * 1e-9;
  if (number >= 1e14) return number * 1e-6;
  if (number >= 1e11) return number * 1e-3;
  return number;
}

std::optional<double> parse_log_time(std::string_view text) {
  double number = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc{} && end == text.data() + text.size()) return log_seconds(number);
  digit_reader in{text};
  auto year = in.number(4);
  auto is_dashed = in.skip("-/");
  auto month = in.number(2);
  in.skip("-/");
  auto day = in.number(2);
  if (!year || !is_dashed || !month || !day) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year{*year},
                                   std::chrono::month{static_cast<unsigned>(*month)},
                                   std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || !in.skip(" T")) return std::nullopt;
  auto hour = in.number(2);
  auto has_minutes = in.skip(":");
  auto minute = in.number(2);
  if (!hour || !has_minutes || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  double second = 0;
  if (in.skip(":")) {
    auto whole = in.number(2);
    if (!whole || *whole > 60) return std::nullopt;
    second = *whole;
    if (in.skip(".,")) second += in.fraction();
  }
  auto offset = zone_offset(in);
  if (!offset) return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return 86400.0 * static_cast<double>(days) + 3600.0 * *hour + 60.0 * *minute + second - *offset;
}

}  // namespace tandem
