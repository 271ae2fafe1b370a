#pragma once

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "schema/attempt.capnp.h"

namespace tandem {

/// Puts an attempt's messages into the words of one model: its system message for the purpose, and
/// for a plan its prompt templates around the goal.
[[nodiscard]] generation_request apply_profile(const model_config& model,
                                               schema::Attempt::Reader attempt);

/// What the profile adds to the attempt's own messages at most, where its templates name the goal
/// once.
[[nodiscard]] std::size_t profile_bytes(const model_config& model);

}  // namespace tandem
