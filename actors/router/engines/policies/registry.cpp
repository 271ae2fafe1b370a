#include <array>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

const std::array entries{&estimated_ttft_entry, &cache_aware_entry, &cache_or_performance_entry,
                         &least_loaded_entry,   &round_robin_entry, &consistent_hash_entry,
                         &power_of_two_entry};

}  // namespace

std::span<const engine_policy_summary> engine_policies() {
  static const auto list = [] {
    std::array<engine_policy_summary, entries.size()> all;
    for (std::size_t i = 0; i < entries.size(); ++i) all[i] = entries[i]->summary;
    return all;
  }();
  return list;
}

std::unique_ptr<engine_policy> make_engine_policy(const engine_choice_config& config) {
  for (const auto* entry : entries)
    if (entry->summary.name == config.policy) return entry->make(config);
  return nullptr;
}

}  // namespace tandem
