#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/router/evaluation/off_policy.hpp"

namespace tandem::simulation {

/// A call of which it is known how well each arm does.
struct question {
  std::vector<float> features;
  /// The probability of a right answer, arm by arm (0 or 1 where answers were recorded), and what
  /// the router that made the log thought of it.
  std::vector<double> right;
  std::vector<double> forecast;
};

/// What logs are drawn from.
struct population {
  std::string name;
  std::vector<question> questions;
  /// Arms, the dearest last; costs over its.
  std::vector<std::string> models;
  std::vector<double> costs;
  double cost_price = 0.2;
};

/// The best forecast less a price of cost of its own: of the same family as the policy in the log,
/// but with another line.
class greedy_policy : public routing_policy {
 public:
  greedy_policy(std::string name, double price) : name_{std::move(name)}, price_{price} {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] bool learns() const override { return true; }
  void weigh(const route_context&, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    std::size_t best = 0;
    auto score = [&](const arm& a) { return a.expected.quality - price_ * a.cost; };
    for (std::size_t i = 0; i < arms.size(); ++i) {
      scores[i].propensity = 0;
      if (score(arms[i]) > score(arms[best])) best = i;
    }
    scores[best].propensity = 1;
  }

 private:
  std::string name_;
  double price_;
};

inline std::size_t greedy(const population& from, const question& q) {
  std::size_t best = 0;
  auto score = [&](std::size_t a) { return q.forecast[a] - from.cost_price * from.costs[a]; };
  for (std::size_t a = 1; a < from.models.size(); ++a)
    if (score(a) > score(best)) best = a;
  return best;
}

/// The logging policy: the best forecast at the price of cost, and a share drawn evenly from all
/// arms.
inline logged_decision decide(const population& from, const question& q, double exploration,
                              std::mt19937_64& random) {
  logged_decision d;
  d.purpose = schema::Purpose::STEP;
  d.policy = "auto";
  d.cost_price = from.cost_price;
  d.feature_version = feature_version;
  d.dense = q.features;
  auto arms = from.models.size();
  std::vector<double> chances(arms, exploration / static_cast<double>(arms));
  chances[greedy(from, q)] += 1 - exploration;
  for (std::size_t a = 0; a < arms; ++a)
    d.arms.push_back({.model = from.models[a],
                      .tier = a + 1 == arms ? "large" : "small",
                      .cost = from.costs[a],
                      .cost_nanousd = std::llround(1e6 * from.costs[a]),
                      .quality = q.forecast[a],
                      .deviation = 0.1,
                      .propensity = chances[a]});
  std::discrete_distribution<std::uint32_t> draw(chances.begin(), chances.end());
  d.chosen = draw(random);
  d.quality = std::bernoulli_distribution{q.right[d.chosen]}(random) ? 1.0 : 0.0;
  return d;
}

inline std::vector<logged_decision> draw_log(const population& from, std::size_t size,
                                             std::uint64_t seed, double exploration = 0.2) {
  std::mt19937_64 random{seed};
  std::uniform_int_distribution<std::size_t> any{0, from.questions.size() - 1};
  std::vector<logged_decision> log;
  log.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    log.push_back(decide(from, from.questions[any(random)], exploration, random));
    log.back().id = seed * 1'000'000 + i;
  }
  return log;
}

/// What a policy is worth, a decision, on the whole population.
inline double truth(const population& from, const target_policy& target) {
  std::mt19937_64 random{1};
  std::vector<logged_decision> all;
  for (const auto& q : from.questions) all.push_back(decide(from, q, 0.2, random));
  for (auto& d : all) d.quality.reset();
  quality_model none{all, 2};
  double sum = 0;
  std::vector<double> chances(from.models.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    (void)target.weigh(all, i, none, chances);
    for (std::size_t a = 0; a < chances.size(); ++a)
      sum += chances[a] * (from.questions[i].right[a] - from.cost_price * from.costs[a]);
  }
  return sum / static_cast<double>(all.size());
}

/// Arms that are good at different calls; what features say of them is bent and noisy, and so are
/// the forecasts.
inline population synthetic(std::size_t arms, std::size_t questions = 20'000) {
  constexpr std::size_t features = 12;
  population made{.name = std::to_string(arms) + " synthetic arms"};
  std::mt19937_64 random{20'260'101};
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> slopes(arms, std::vector<double>(features));
  for (std::size_t a = 0; a < arms; ++a) {
    auto place = static_cast<double>(a) / static_cast<double>(arms - 1);
    made.models.push_back("m" + std::to_string(a));
    made.costs.push_back(std::pow(0.05, 1 - place));
    for (auto& s : slopes[a]) s = 0.45 * normal(random);
    slopes[a][0] = 0.4 + 1.1 * place;
  }
  for (std::size_t i = 0; i < questions; ++i) {
    question q;
    q.features.push_back(1);
    for (std::size_t f = 1; f < features; ++f)
      q.features.push_back(static_cast<float>(normal(random)));
    for (std::size_t a = 0; a < arms; ++a) {
      double sum = 0.3 * std::sin(3.0 * static_cast<double>(q.features[1 + a % (features - 1)]));
      for (std::size_t f = 0; f < features; ++f)
        sum += slopes[a][f] * static_cast<double>(q.features[f]);
      auto right = 1 / (1 + std::exp(-sum));
      q.right.push_back(right);
      q.forecast.push_back(std::clamp(0.15 + 0.7 * right + 0.1 * normal(random), 0.0, 1.0));
    }
    made.questions.push_back(std::move(q));
  }
  return made;
}

}  // namespace tandem::simulation
