#pragma once

#include "config/fleet_profile.hpp"
#include "nodes/economics/scenario.hpp"

namespace tandem {

/// Inputs that nobody gave, with ranges and why: all assumed.
[[nodiscard]] assess_inputs default_inputs();

/// A pool of such engines. What the profile does not say (a price, for one) stays as it is in
/// `pool`.
void apply_profile(pool_inputs& pool, const fleet_profile& profile);

/// After all inputs are known: what follows from several of them (rates at these tokens, times at
/// this utilisation, prices that a stated one implies).
void complete_inputs(assess_inputs& inputs);

}  // namespace tandem
