#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "actors/router/control/dual_price.hpp"

namespace tandem::simulation {

/// Jobs that a price-sensitive router sends to arms of different cost; what they cost is known only
/// afterwards.
struct market {
  std::string name;
  /// Mean cost over the dearest one's, ascending; and quality without its noise by context.
  std::vector<double> costs;
  std::vector<double> qualities;
  /// Of log cost; 0: each call costs its mean.
  double cost_sigma = 0;
  /// How far contexts shift an arm's quality.
  double context_sigma = 0.15;
};

inline std::vector<market> markets() {
  return {{"two arms, sure costs", {0.01, 1}, {0.64, 0.86}},
          {"two arms, noisy costs", {0.1, 1}, {0.6, 0.9}, 0.5},
          {"two arms, heavy tails", {0.05, 1}, {0.5, 0.85}, 1.0},
          {"two arms, nearly the same", {0.6, 1}, {0.7, 0.8}, 0.3},
          {"four arms, sure costs", {0.01, 0.1, 0.4, 1}, {0.45, 0.6, 0.75, 0.85}},
          {"four arms, noisy costs", {0.02, 0.2, 0.5, 1}, {0.4, 0.7, 0.75, 0.9}, 0.5},
          {"four arms, heavy tails", {0.05, 0.15, 0.4, 1}, {0.5, 0.6, 0.7, 0.9}, 1.0}};
}

class buyer {
 public:
  buyer(const market& in, std::uint64_t seed) : market_{in}, random_{seed} {}

  /// What one job costs, in 1e-9 US dollars, at this price of cost.
  std::int64_t buy(double price) {
    std::vector<double> weights(market_.costs.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      auto quality = market_.qualities[i] + market_.context_sigma * normal_(random_);
      weights[i] = (quality - (price + base_price) * market_.costs[i]) / temperature;
    }
    auto best = *std::max_element(weights.begin(), weights.end());
    for (auto& w : weights) w = std::exp(w - best);
    std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
    auto sigma = market_.cost_sigma;
    auto factor = std::exp(sigma * normal_(random_) - sigma * sigma / 2);
    return std::llround(full_nanousd * market_.costs[draw(random_)] * factor);
  }

  /// The mean cost of a job at this price.
  double mean(double price, int jobs = 20'000) {
    double sum = 0;
    for (int i = 0; i < jobs; ++i) sum += static_cast<double>(buy(price));
    return sum / jobs;
  }

 private:
  static constexpr double full_nanousd = 2e6;
  static constexpr double base_price = 0.05;
  static constexpr double temperature = 0.03;

  const market& market_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

}  // namespace tandem::simulation
