#pragma once

#include <string>

namespace tandem {

/// `[routing]` in the config file.
struct router_config {
  /// `cheapest`: the cheapest model that can serve the call. `large_only`: always the large tier.
  /// `fixed`: the models named below.
  std::string policy = "cheapest";
  /// `fixed`: the model of plans, and of everything else.
  std::string plan_model;
  std::string step_model;
  /// The tier that plans and that failed steps climb to; prices "all large" are this tier's.
  std::string large_tier = "large";
  std::string small_tier = "small";
};

}  // namespace tandem
