#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/policies/policy_entry.hpp"

namespace tandem {

/// A policy as it is written: `auto`, or `auto(exploration=0.05,cost_weight=0.1)`.
struct policy_text {
  std::string_view name;
  /// In the order in which they were written.
  std::vector<std::pair<std::string_view, std::string_view>> settings;
};

/// Longer ones are refused; what is kept of a decision has room for every policy with all settings.
inline constexpr std::size_t policy_text_bytes_max = 400;

/// Points into `text`, around whose words there may be blanks. `invalid_argument` says what a
/// policy looks like.
[[nodiscard]] caf::expected<policy_text> parse_policy_text(std::string_view text);

/// The policy with its settings in the place of those in `config`. Its name carries them, in an
/// order and a form of its own, so that the same settings have the same name. `invalid_argument`: a
/// setting that the policy does not read (with the nearest one that it does), one that comes twice,
/// or a value outside the limits that the config file has for it.
[[nodiscard]] caf::expected<std::unique_ptr<routing_policy>> make_policy_with_settings(
    const policy_entry& entry, const policy_text& text, const router_config& config);

}  // namespace tandem
