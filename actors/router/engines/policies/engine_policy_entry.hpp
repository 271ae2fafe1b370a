#pragma once

#include <memory>

#include "actors/router/engines/engine_policy.hpp"

namespace tandem {

/// What registry.cpp lists: one for each file here.
struct engine_policy_entry {
  engine_policy_summary summary;
  std::unique_ptr<engine_policy> (*make)(const engine_choice_config& config);
};

template <class Policy>
[[nodiscard]] std::unique_ptr<engine_policy> make_engine_policy_of(
    const engine_choice_config& config) {
  return std::make_unique<Policy>(config);
}

[[nodiscard]] inline bool is_less_loaded(const engine_option& a, const engine_option& b) {
  // By calls in flight over concurrency.
  auto load_a = std::uint64_t{a.in_flight} * b.concurrency;
  auto load_b = std::uint64_t{b.in_flight} * a.concurrency;
  return load_a != load_b ? load_a < load_b : a.bias_s < b.bias_s;
}

/// The place of the option for which `cost` is lowest; of equal ones the less loaded, of those that
/// are still equal any, drawn evenly.
template <class Cost>
[[nodiscard]] std::size_t best_option(std::span<const engine_option> options, choice_random& random,
                                      Cost cost) {
  std::size_t best = 0;
  std::size_t equal = 1;
  auto lowest = cost(options[0]);
  for (std::size_t i = 1; i < options.size(); ++i) {
    auto each = cost(options[i]);
    if (each > lowest || (each == lowest && is_less_loaded(options[best], options[i]))) continue;
    auto better = each < lowest || is_less_loaded(options[i], options[best]);
    equal = better ? 1 : equal + 1;
    if (!better) continue;
    best = i;
    lowest = each;
  }
  if (equal == 1) return best;
  // One draw for all that are as good as the first of them.
  auto drawn = random.tie(equal);
  auto place = best;
  while (drawn != 0) {
    const auto& next = options[++place];
    drawn -= cost(next) == lowest && !is_less_loaded(options[best], next);
  }
  return place;
}

[[nodiscard]] inline std::size_t least_loaded(std::span<const engine_option> options,
                                              choice_random& random) {
  return best_option(options, random, [](const auto&) { return 0; });
}

extern const engine_policy_entry estimated_ttft_entry;
extern const engine_policy_entry cache_aware_entry;
extern const engine_policy_entry cache_or_performance_entry;
extern const engine_policy_entry least_loaded_entry;
extern const engine_policy_entry round_robin_entry;
extern const engine_policy_entry consistent_hash_entry;
extern const engine_policy_entry power_of_two_entry;

}  // namespace tandem
