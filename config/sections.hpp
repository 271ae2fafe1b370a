#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/binder.hpp"
#include "config/node_config.hpp"

namespace tandem {

/// `[name]` in the config file.
struct config_section {
  std::string_view name;
  std::string doc;
  config_fields fields;
};

/// Every plain section, bound to `config`, which must outlive the result.
[[nodiscard]] std::vector<config_section> bind_sections(node_config& config);

/// `[[model]]`, `[[engine]]` and `[engine.sim]`.
inline constexpr std::string_view model_doc =
    "A named set of weights: its role, its prices, its prompts.";
inline constexpr std::string_view engine_doc =
    "One inference server, which serves one model. One [[engine]] each.";
inline constexpr std::string_view sim_doc = "How a simulated engine behaves (kind = \"sim\").";
[[nodiscard]] config_fields bind_model(model_config& model);
[[nodiscard]] config_fields bind_engine(engine_config& engine);
[[nodiscard]] config_fields bind_sim(sim_config& sim);

}  // namespace tandem
