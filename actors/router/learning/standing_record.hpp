#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "actors/router/learning/made_decision.hpp"
#include "actors/router/learning/quality_learner.hpp"

namespace tandem {

/// Whether the learned choice (the best by prediction, nothing added for exploration) is better
/// than each arm alone, for one purpose: doubly-robust estimates (Dudik, Langford, Li 2011) of the
/// difference in quality, with the differences in cost and latency beside it, so that prices are
/// applied when it is read. Decayed: one half after 1,000 rewards; a tenth when an arm arrives,
/// which lifts a demotion too: while demoted a new arm would get its forced pulls and nothing else.
/// Not thread-safe.
class standing_record {
 public:
  static constexpr std::size_t arms_max = 256;
  static constexpr std::size_t prices_max = 64;

  void add(const made_decision& decision, double quality);
  /// A reward that was added as `before` is `quality`.
  void correct(const made_decision& decision, double before, double quality);
  /// An arm is not as it was: what was seen counts so much, and a demotion has to be earned anew.
  void forget(double keep);

  /// Demoted when the upper bound is below 0, until the estimate is above 0 again, at these prices.
  [[nodiscard]] standing at(double cost_price, double latency_price) const;

 private:
  /// Of learned minus arm: quality, cost, latency.
  using differences = std::array<double, 3>;
  struct sums {
    double weight = 0;
    double weight_squares = 0;
    differences first{};
    std::array<differences, 3> second{};

    void scale(double share);
    void add(const differences& d, double times);
  };

  [[nodiscard]] static differences of(const made_decision& decision, std::size_t learned,
                                      std::size_t other, double quality);

  std::map<arm_id, sums> arms_;
  /// Hysteresis, by rounded prices.
  mutable std::map<std::pair<std::int64_t, std::int64_t>, bool> demoted_;
};

}  // namespace tandem
