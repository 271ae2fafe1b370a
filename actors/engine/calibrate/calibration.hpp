#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/engine/calibrate/call_meter.hpp"
#include "actors/engine/calibrate/time_fit.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

struct calibration_options {
  /// To measure in; then what is under way ends, and the fit takes some seconds more.
  double seconds = 60;
  std::uint32_t requests_max = 4'000;
  /// Calls at once, at most.
  std::uint32_t concurrency = 4;
  /// More wait before they reach the engine, as its node would have them.
  bool is_limited = false;
  /// The longest prompt and answer that are measured.
  std::uint32_t prompt_tokens = 512;
  std::uint32_t answer_tokens = 64;
  /// 0: not known.
  std::uint32_t context_tokens = 0;
  /// Finds out roughly how much the prefix cache holds: long prompts, a minute or more.
  bool cache_capacity = false;
  std::uint64_t seed = 1;
};

struct calibration {
  sim_config sim;
  /// On rounds that the fit has not seen.
  fit_error error;
  std::size_t rounds = 0;
  std::size_t calls = 0;
  std::size_t failed = 0;
  double seconds = 0;
  /// Tokens of prompts and answers that were measured.
  double prompt_tokens_max = 0;
  double written_tokens_max = 0;
  /// The server says how many tokens of a prompt it had cached.
  bool tells_cached = false;
  bool has_cache = false;
  bool capacity_is_measured = false;
  /// What a reader of the profile must know.
  std::vector<std::string> notes;
  std::vector<measured_round> measured;
};

/// Measures an engine and makes the profile of its simulation: first whether and how prefixes are
/// cached, then times by rounds of calls at once and of calls as they come, in random order, for as
/// long as it is told. A quarter of the rounds is kept from the fit, to measure its error.
/// `unavailable` when nothing could be measured, with the engine's own reason.
[[nodiscard]] caf::expected<calibration> calibrate(call_meter& meter,
                                                   const calibration_options& options);

}  // namespace tandem
