#pragma once

#include <optional>

#include "nodes/node/wiring.hpp"

namespace tandem {

/// What the weights of this node are looked after with; nothing, and why is said in the log:
/// without. Engines that are made afterwards start with what they served last.
[[nodiscard]] std::optional<weight_sync_start> weight_parts(const node_parts& parts);

}  // namespace tandem
