#pragma once

#include <caf/error.hpp>

#include "actors/client/client.hpp"

namespace tandem {

/// Does by hand what CAF would do, TCP and the TLS handshake, only to say why it fails: CAF answers
/// every failure with the same code. `unavailable`: nobody listens, or it does not speak TLS.
/// `not_authenticated`: one side does not accept the other's certificate.
[[nodiscard]] caf::error check_connection(const client_options& options);

}  // namespace tandem
