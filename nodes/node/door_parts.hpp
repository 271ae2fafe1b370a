#pragma once

#include "nodes/node/wiring.hpp"

namespace tandem {

// The front door's actors; the HTTP server itself is in web_parts.hpp.

[[nodiscard]] child_spec gateway_child(const node_parts& parts);
[[nodiscard]] child_spec keys_child(const node_parts& parts);
/// After a start of the gateway, the pool or the front: whom clients' requests go to.
void meet_gateway(const node_actors& actors);

}  // namespace tandem
