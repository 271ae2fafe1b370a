#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "actors/router/routing_policy.hpp"

namespace tandem {

/// What registry.cpp lists: one for each file here.
struct policy_entry {
  policy_summary summary;
  std::unique_ptr<routing_policy> (*make)(const router_config& config);
  /// By `exploration` and `forced_pulls`.
  bool explores = false;
};

template <class Policy>
[[nodiscard]] std::unique_ptr<routing_policy> make_policy(const router_config& config) {
  return std::make_unique<Policy>(config);
}

/// Always this arm.
inline void choose_only(std::span<const arm> arms, std::span<arm_score> scores, std::size_t best) {
  for (std::size_t i = 0; i < arms.size(); ++i) {
    scores[i].quality = arms[i].expected.quality;
    scores[i].deviation = arms[i].expected.deviation;
    scores[i].cost = arms[i].cost;
    scores[i].latency = arms[i].latency;
    scores[i].propensity = i == best ? 1 : 0;
  }
}

/// Lower cost first, then by name.
[[nodiscard]] inline bool is_cheaper(const arm& a, const arm& b) {
  return a.cost_nanousd != b.cost_nanousd ? a.cost_nanousd < b.cost_nanousd : a.model < b.model;
}

/// The cheapest arm of `tier`, or of all where the tier has none left. `arms` is not empty.
[[nodiscard]] inline std::size_t cheapest_of(std::span<const arm> arms, std::string_view tier) {
  auto better = [tier](const arm& a, const arm& b) {
    if ((a.tier == tier) != (b.tier == tier)) return a.tier == tier;
    return is_cheaper(a, b);
  };
  return static_cast<std::size_t>(std::min_element(arms.begin(), arms.end(), better) -
                                  arms.begin());
}

extern const policy_entry fixed_policy_entry;
extern const policy_entry cheapest_policy_entry;
extern const policy_entry large_only_policy_entry;
extern const policy_entry cascade_policy_entry;
extern const policy_entry ucb1_policy_entry;
extern const policy_entry linear_ucb_policy_entry;
extern const policy_entry linear_thompson_policy_entry;
extern const policy_entry auto_policy_entry;

}  // namespace tandem
