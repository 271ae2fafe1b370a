#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tandem {

/// How far a number can be trusted; the later, the less.
enum class number_kind : unsigned char {
  /// Somebody measured it; the source says who and how.
  measured,
  /// Computed from numbers that were measured.
  derived,
  /// Nobody measured it, or it was computed from such.
  assumed,
};

[[nodiscard]] constexpr std::string_view to_string(number_kind kind) {
  switch (kind) {
    case number_kind::measured:
      return "measured";
    case number_kind::derived:
      return "derived";
    case number_kind::assumed:
      break;
  }
  return "assumed";
}

/// What is computed from `a` and `b`: derived from what was measured, assumed as soon as one of
/// them is.
[[nodiscard]] constexpr number_kind derived_from(number_kind a, number_kind b) {
  return std::max({number_kind::derived, a, b});
}

/// A number and where it comes from. `low` and `high` are the least and the most that it may be;
/// both are `value` where no range is known. Always low <= value <= high.
struct sourced_number {
  double value = 0;
  double low = 0;
  double high = 0;
  number_kind kind = number_kind::assumed;
  /// Who measured it, or why it is assumed; may be empty for what is assumed.
  std::string source;

  [[nodiscard]] bool has_range() const { return low < high; }

  [[nodiscard]] static sourced_number exact(double value, number_kind kind,
                                            std::string source = {}) {
    return {value, value, value, kind, std::move(source)};
  }
  [[nodiscard]] static sourced_number between(double low, double value, double high,
                                              std::string source = {}) {
    return {value, low, high, number_kind::assumed, std::move(source)};
  }
};

}  // namespace tandem
