#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace tandem::simulation {

/// SplitMix64 (Steele, Lea, Flood 2014), and what is drawn from it: the same on every machine,
/// which the standard library's distributions are not.
class seeded_random {
 public:
  explicit seeded_random(std::uint64_t seed) : state_{seed} {}

  [[nodiscard]] std::uint64_t bits() {
    auto value = state_ += 0x9E37'79B9'7F4A'7C15ull;
    value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EBull;
    return value ^ (value >> 31);
  }
  /// In [0, 1).
  [[nodiscard]] double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  [[nodiscard]] std::uint64_t below(std::uint64_t end) {
    return static_cast<std::uint64_t>(uniform() * static_cast<double>(end));
  }
  /// Of mean 1.
  [[nodiscard]] double exponential() { return -std::log1p(-uniform()); }
  /// Box and Muller 1958.
  [[nodiscard]] double normal() {
    auto radius = std::sqrt(2 * exponential());
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /// Of mean 1 and this shape (Marsaglia and Tsang 2000).
  [[nodiscard]] double gamma(double shape) {
    auto boost = 1.0;
    auto k = shape;
    if (k < 1) {
      boost = std::pow(1 - uniform(), 1 / k);
      k += 1;
    }
    auto d = k - 1.0 / 3;
    auto c = 1 / std::sqrt(9 * d);
    while (true) {
      auto x = normal();
      auto v = 1 + c * x;
      if (v <= 0) continue;
      v = v * v * v;
      if (std::log1p(-uniform()) < 0.5 * x * x + d * (1 - v + std::log(v)))
        return boost * d * v / shape;
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace tandem::simulation
