#pragma once

#include <functional>

#include <caf/actor_system.hpp>
#include <caf/io/scribe.hpp>

#include "actors/system/tcp_socket.hpp"

namespace tandem {

/// A TCP connection as CAF's broker takes it over: TLS as the client, with the certificates of the
/// system's configuration. Null: CAF could make no TLS session of it. `on_end` is called, on CAF's
/// thread for the network, when it ends after anything but the first greeting was sent on it; not
/// for one that CAF drops at once because it is connected to that node already.
[[nodiscard]] caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, tcp_socket socket,
                                                  std::function<void()> on_end);

}  // namespace tandem
