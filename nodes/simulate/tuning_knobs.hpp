#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "config/node_config.hpp"

namespace tandem::simulation {

/// One setting that tuning varies.
struct knob {
  /// As in the config file, `cache.large.ttl`; `engine:MODEL.concurrency` stands for that key of
  /// all engines of a model.
  std::string key;
  /// What is tried beside what is configured, as TOML.
  std::vector<std::string> values;
  /// It can be tried on a running node, by `tandem route try`.
  bool can_try = false;
  /// Whether it does anything in such a config.
  std::function<bool(const node_config&)> matters;
};

/// What can be tuned of a config, in the order in which it is: the choice of models first, since
/// the rest depends on it.
[[nodiscard]] std::vector<knob> knobs_of(const node_config& config);

/// What is not varied, and why; for people.
[[nodiscard]] std::vector<std::string_view> not_tuned();

/// The value of a knob's key as TOML; empty: there is no such key.
[[nodiscard]] std::string value_in(const node_config& config, std::string_view key);
/// `invalid_argument`: no such key, or a value that the config file would not take.
[[nodiscard]] caf::error set_value(node_config& config, std::string_view key,
                                   std::string_view value);

}  // namespace tandem::simulation
