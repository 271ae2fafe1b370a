#pragma once

#include "actors/engine/engine_actor.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// An engine of this node, as its config says, whatever weights it has been taken to since.
struct local_engine {
  engine_config config;
  weight_engine handle;
};

}  // namespace tandem
