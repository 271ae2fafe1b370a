#pragma once

#include <memory>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// The backend that `config.kind` names; `invalid_argument` says which kinds there are, or what is
/// wrong with its files.
[[nodiscard]] caf::expected<std::unique_ptr<backend>> make_backend(const engine_config& config,
                                                                   backend_sink sink);

}  // namespace tandem
