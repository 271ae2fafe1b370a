#pragma once

#include <caf/actor_system.hpp>
#include <caf/io/scribe.hpp>

#include "actors/system/tcp_socket.hpp"

namespace tandem {

/// A TCP connection as CAF's broker takes it over: TLS as the client, with the certificates of the
/// system's configuration. Null: CAF could make no TLS session of it.
[[nodiscard]] caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, tcp_socket socket);

}  // namespace tandem
