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

double range_sampler::operator()(const sourced_number& number) {
  if (!number.has_range()) return number.value;
  // Without a source it is nobody else's number.
  auto name = number.source.empty() ? std::to_string(reinterpret_cast<std::uintptr_t>(&number))
                                    : number.source + '\n' + std::to_string(number.value);
  auto [found, is_new] = drawn_.try_emplace({std::move(name), {number.low, number.high}}, 0);
  if (is_new)
    found->second = triangular_quantile(number.low, number.value, number.high, source_.uniform());
  return found->second;
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
