#include <array>

#include "actors/router/policies/policy_entry.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

const std::array entries{
    &fixed_policy_entry,           &cheapest_policy_entry, &large_only_policy_entry,
    &cascade_policy_entry,         &ucb1_policy_entry,     &linear_ucb_policy_entry,
    &linear_thompson_policy_entry, &auto_policy_entry};

}  // namespace

std::span<const policy_summary> routing_policies() {
  static const auto list = [] {
    std::array<policy_summary, entries.size()> all;
    for (std::size_t i = 0; i < entries.size(); ++i) all[i] = entries[i]->summary;
    return all;
  }();
  return list;
}

caf::expected<std::unique_ptr<routing_policy>> make_routing_policy(std::string_view name,
                                                                   const router_config& config) {
  std::string names;
  for (const auto* entry : entries) {
    if (entry->summary.name == name) return entry->make(config);
    names += (names.empty() ? "" : ", ") + std::string{entry->summary.name};
  }
  return make_error(errc::invalid_argument,
                    "routing.policy '" + std::string{name} + "' is none of " + names);
}

}  // namespace tandem
