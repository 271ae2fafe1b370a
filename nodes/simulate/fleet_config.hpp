#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <caf/expected.hpp>

#include "config/fleet_profile.hpp"
#include "config/node_config.hpp"

namespace tandem::simulation {

/// US dollars for a million tokens.
struct token_prices {
  double input = 0;
  double output = 0;
};

/// So many engines like a profile of config/fleets, for one tier.
struct fleet_pool {
  fleet_profile profile;
  std::string tier;
  std::uint32_t engines = 1;
  /// What it does right: prompts up to this difficulty, 0 to 1. No profile says it.
  double quality = 1;
  /// Nothing: prices_of() the profile.
  std::optional<token_prices> prices;
};

/// What a token costs on such an engine under full load: its part of an engine-second, as the
/// profile's throughput has it, at the price of its GPUs; else the profile's own price of a
/// request, spread evenly over 418 tokens. `invalid_argument`: the profile has neither.
[[nodiscard]] caf::expected<token_prices> prices_of(const fleet_profile& profile);

/// A node of simulated engines alone, whose routing learns. Tiers are `large` and `small`.
[[nodiscard]] caf::expected<node_config> fleet_config(std::span<const fleet_pool> pools);

}  // namespace tandem::simulation
