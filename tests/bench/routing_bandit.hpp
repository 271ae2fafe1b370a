#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/router/learning/feature_extractor.hpp"
#include "actors/router/learning/quality_learner.hpp"
#include "actors/router/routing_policy.hpp"

namespace tandem::bench {

/// A number in [0, 1); the same everywhere, unlike std::uniform_real_distribution.
[[nodiscard]] inline double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}
/// In [0, n).
[[nodiscard]] inline std::size_t below(std::mt19937_64& random, std::size_t n) {
  return static_cast<std::size_t>(uniform(random) * static_cast<double>(n));
}
template <class T>
void shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[below(random, i)]);
}

struct offered_arm {
  std::string_view model;
  std::string_view tier;
  /// Over what the large tier would cost.
  double cost = 0;
};

struct bandit_config {
  std::string policy = "auto";
  schema::Purpose purpose = schema::Purpose::STEP;
  double cost_price = 0.2;
  std::uint64_t origin = 1;
  std::uint64_t seed = 1;
  learner_config learner;
  router_config router;
};

/// What the router does with its learner and its policy, without filters, rewards that wait and
/// actors: extract, predict, weigh, draw; learn.
class bandit {
 public:
  explicit bandit(const bandit_config& config);

  /// Which of `arms`. The decision is kept until the next one.
  std::size_t decide(const decision_facts& facts, std::span<const offered_arm> arms,
                     std::uint64_t now_ms);
  /// How the last decision turned out.
  void learn(double quality, std::uint64_t now_ms);

  [[nodiscard]] const made_decision& last() const { return decision_; }
  [[nodiscard]] quality_learner& learner() { return *learner_; }
  /// From the next decision on; how the learned choice stands is asked at this price, too.
  void set_cost_price(double price);
  /// As after a kill: nothing is known, under the same origin.
  void forget();

 private:
  bandit_config config_;
  std::unique_ptr<routing_policy> policy_;
  feature_extractor extractor_;
  std::unique_ptr<quality_learner> learner_;
  std::mt19937_64 random_;
  std::vector<arm> arms_;
  std::vector<arm_score> scores_;
  made_decision decision_;
  standing standing_;
  std::uint64_t decisions_ = 0;
};

}  // namespace tandem::bench
