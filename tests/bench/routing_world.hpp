#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/routing_bandit.hpp"

namespace tandem::bench {

inline constexpr std::size_t world_topics = 4;

struct world_arm {
  std::string model;
  std::string tier;
  double cost = 0;
  /// Probability of a good result, topic by topic.
  std::array<double, world_topics> quality{};
  bool there = true;
};

/// Prompts on four topics, each with a kind and words of its own among common ones, and arms that
/// are good at some of them. Made from a seed: every seed's qualities and words differ somewhat.
/// What is right is known, so that regret is that of the expected reward, not of its noise.
class world {
 public:
  explicit world(std::uint64_t seed, double cost_price);

  struct prompt {
    std::size_t topic = 0;
    /// As a planner names the kind of a step: the topic's.
    std::string_view kind;
    std::string text;

    /// For as long as this lives.
    [[nodiscard]] decision_facts facts();

   private:
    std::string_view view_;
  };
  [[nodiscard]] prompt draw(std::mt19937_64& random) const;

  [[nodiscard]] double value(const world_arm& a, std::size_t topic) const {
    return a.quality[topic] - cost_price_ * a.cost;
  }
  /// Of the arms that are there: of the one that is best on this topic.
  [[nodiscard]] double best(std::size_t topic) const;
  /// Mean over topics of the best single arm.
  [[nodiscard]] double best_fixed() const;
  [[nodiscard]] double best_mean() const;

  std::vector<world_arm> arms;

 private:
  double cost_price_;
  std::vector<std::string> common_;
  std::array<std::vector<std::string>, world_topics> words_;
};

/// What the arms that are there look like to a router; `places`: into world::arms.
struct offer {
  std::vector<offered_arm> arms;
  std::vector<std::size_t> places;
};
[[nodiscard]] offer offer_of(const world& w);

}  // namespace tandem::bench
