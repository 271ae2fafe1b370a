#pragma once

#include <array>
#include <cstddef>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "schema/attempt.capnp.h"

namespace tandem {

/// Puts an attempt's messages into the words of one model: its system message for the purpose, and
/// for a plan its prompt templates around the goal. One of purpose `warm` as its kind says.
[[nodiscard]] generation_request apply_profile(const model_config& model,
                                               schema::Attempt::Reader attempt);

/// How much longer than the attempt's own messages a model's prompts can be.
struct prompt_growth {
  /// Of system messages and templates.
  std::size_t bytes = 0;
  /// How often a template repeats the goal, or what failed before.
  std::size_t times = 1;
  /// Of the words before the attempt's own, by purpose.
  std::array<std::size_t, 8> heads{};
};

[[nodiscard]] prompt_growth growth_of(const model_config& model);

/// Of all that apply_profile() takes from the model: two nodes with the same number word a call the
/// same way. Never 0.
[[nodiscard]] std::uint64_t profile_number(const model_config& model);

}  // namespace tandem
