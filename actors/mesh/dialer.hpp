#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "actors/system/tls_files.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What the mesh needs of another node's supervisor.
using greeter_actor = caf::typed_actor<
    caf::replies_to<hello_atom, tmsg::hello, peer_handles>::with<tmsg::hello, peer_handles>>;

/// Starts connecting to `host:port` and returns at once. In the end, and in bounded time, it sends
/// `done_atom, address, the node's supervisor or null, the error` to `whom`; and `gone_atom,
/// address` when a connection that it made there ends, which may have carried anything.
using dial_function = std::function<void(caf::actor_system& system, const std::string& address,
                                         const caf::actor& whom)>;

/// Connects over mutual TLS, each time on a thread of its own: CAF's connecting blocks.
/// `timeout`: of each step, see `check_connection`.
[[nodiscard]] dial_function make_dialer(tls_files files, std::chrono::milliseconds timeout);

}  // namespace tandem
