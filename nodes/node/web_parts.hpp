#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/http_server/http_server.hpp"
#include "nodes/node/wiring.hpp"

namespace tandem {

/// The node's HTTP server, listening; its service asks the node's actors through `parts.gateway`.
/// `unavailable`, `invalid_argument`, `not_authenticated` say which setting to change.
[[nodiscard]] caf::expected<std::unique_ptr<web_server>> open_web(const node_parts& parts);

/// `http://127.0.0.1:8420`
[[nodiscard]] std::string web_address(const node_config& config, std::uint16_t port);

}  // namespace tandem
