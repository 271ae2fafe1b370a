#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "actors/router/routing_policy.hpp"

namespace tandem {

/// Quality less the prices of cost and latency.
[[nodiscard]] inline double worth_of(const route_context& context, const arm& a, double quality) {
  return quality - context.cost_price * a.cost - context.latency_price * a.latency;
}

/// Everything but the propensities: what is expected of each arm and what it is worth.
inline void fill_scores(const route_context& context, std::span<const arm> arms,
                        std::span<arm_score> scores) {
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const auto& a = arms[i];
    scores[i] = {.quality = a.expected.quality,
                 .deviation = a.expected.deviation,
                 .exploration = 0,
                 .cost = a.cost,
                 .latency = a.latency,
                 .score = worth_of(context, a, a.expected.quality),
                 .propensity = 0};
  }
}

inline void add_exploration(arm_score& score, double by) {
  score.exploration += by;
  score.score += by;
}

/// The highest score; among equal ones the cheaper arm.
[[nodiscard]] std::size_t best_of(std::span<const arm> arms, std::span<const arm_score> scores);

/// The propensities of Thompson sampling: with which probability a draw of N(score, deviation^2)
/// for each arm is the highest, by integrating over each arm's quantiles. Sums to 1; no allocation
/// up to 16 arms.
void weigh_by_thompson(std::span<arm_score> scores);

/// What `cheapest` does: the cheapest arm, for plans of the large tier.
[[nodiscard]] std::size_t cheapest_for(const route_context& context, std::span<const arm> arms,
                                       std::string_view large_tier);

}  // namespace tandem
