#include <array>

#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/policy_settings.hpp"
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

caf::expected<std::unique_ptr<routing_policy>> make_routing_policy(std::string_view text,
                                                                   const router_config& config) {
  auto read = parse_policy_text(text);
  if (!read) return std::move(read.error());
  std::string names;
  for (const auto* entry : entries) {
    if (entry->summary.name == read->name)
      return read->settings.empty() ? entry->make(config)
                                    : make_policy_with_settings(*entry, *read, config);
    names += (names.empty() ? "" : ", ") + std::string{entry->summary.name};
  }
  return make_error(errc::invalid_argument,
                    "routing.policy '" + std::string{read->name} + "' is none of " + names);
}

}  // namespace tandem
