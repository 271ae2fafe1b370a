#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "actors/engine/calibrate/calibration.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem::cli {

struct calibration_source {
  /// As the engine was named on the command line.
  std::string asked;
  /// What answers there: `llama.cpp b1234`; empty: not known.
  std::string server;
  std::chrono::sys_seconds when;
  /// Of the machine that measured.
  unsigned cores = 0;
};

/// An `[[engine]]` of kind sim, with comments on where its numbers come from; loads as config.
[[nodiscard]] std::string calibration_toml(const engine_config& engine, const calibration& found,
                                           const calibration_source& source);
[[nodiscard]] std::string calibration_json(const engine_config& engine, const calibration& found,
                                           const calibration_source& source);

}  // namespace tandem::cli
