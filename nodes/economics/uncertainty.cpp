#include "nodes/economics/uncertainty.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem {

double draw_source::uniform() {
  state_ += 0x9e3779b97f4a7c15ull;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

double triangular_quantile(double low, double mode, double high, double u) {
  if (!(high > low)) return mode;
  auto left = (mode - low) / (high - low);
  if (u < left) return low + std::sqrt(u * (high - low) * (mode - low));
  return high - std::sqrt((1 - u) * (high - low) * (high - mode));
}

bool is_same_number(const sourced_number& a, const sourced_number& b) {
  return &a == &b || (!a.source.empty() && a.source == b.source && a.value == b.value &&
                      a.low == b.low && a.high == b.high);
}

void range_sampler::next_draw() {
  std::fill(drawn_.begin(), drawn_.end(), std::nullopt);
}

std::size_t range_sampler::slot_of(const sourced_number& number) {
  auto [found, is_new] = slots_.try_emplace(&number, numbers_.size());
  if (!is_new) return found->second;
  auto same = std::find_if(numbers_.begin(), numbers_.end(),
                           [&](const auto* n) { return is_same_number(*n, number); });
  found->second = static_cast<std::size_t>(same - numbers_.begin());
  if (same == numbers_.end()) {
    numbers_.push_back(&number);
    drawn_.emplace_back();
  }
  return found->second;
}

double range_sampler::operator()(const sourced_number& number) {
  if (!number.has_range()) return number.value;
  auto& drawn = drawn_[slot_of(number)];
  if (!drawn) drawn = triangular_quantile(number.low, number.value, number.high, source_.uniform());
  return *drawn;
}

spread spread_of(std::vector<double> values) {
  for (auto& value : values) {
    if (!std::isfinite(value)) value = std::numeric_limits<double>::infinity();
  }
  std::sort(values.begin(), values.end());
  auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {at(0.1), at(0.5), at(0.9)};
}

double share_below(const std::vector<double>& values, double limit) {
  auto below = std::count_if(values.begin(), values.end(), [limit](double v) { return v < limit; });
  return static_cast<double>(below) / static_cast<double>(values.size());
}

}  // namespace tandem
