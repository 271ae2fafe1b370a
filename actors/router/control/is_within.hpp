#pragma once

#include <cmath>

namespace tandem {

/// Of a number that comes back from a disk; false for what is no number.
[[nodiscard]] inline bool is_within(double value, double low, double high) {
  return std::isfinite(value) && value >= low && value <= high;
}

}  // namespace tandem
