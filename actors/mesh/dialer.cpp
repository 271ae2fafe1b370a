#include "actors/mesh/dialer.hpp"

#include <random>
#include <thread>
#include <utility>

#include <caf/event_based_actor.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/send.hpp>
#include <caf/spawn_options.hpp>

#include "actors/mesh/member_check.hpp"
#include "actors/system/connection_check.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

caf::expected<greeter_actor> dial(caf::actor_system& system, const std::string& address,
                                  const tls_files& files, std::chrono::milliseconds timeout) {
  auto where = parse_mesh_address(address);
  if (!where) return std::move(where.error());
  if (auto err = check_connection({.host = where->host,
                                   .port = where->port,
                                   .tls = files,
                                   .timeout = timeout,
                                   .from = connection_target::side::node}))
    return err;
  // A tick of CAF's heartbeat aborts a connect in progress.
  constexpr int tries = 4;
  std::minstd_rand random{std::random_device{}()};
  for (int i = 1;; ++i) {
    auto reached = caf::openssl::remote_actor<greeter_actor>(system, where->host, where->port);
    if (reached) return reached;
    if (i == tries)
      return make_error(errc::unavailable, "what answers at " + address +
                                               " did not greet as a node of this version (" +
                                               caf::to_string(reached.error()) + ")");
    std::this_thread::sleep_for(std::chrono::milliseconds{5 + random() % 30});
  }
}

}  // namespace

dial_function make_dialer(tls_files files, std::chrono::milliseconds timeout) {
  return [files = std::move(files), timeout](caf::actor_system& system, const std::string& address,
                                             const caf::actor& whom) {
    system.spawn<caf::detached + caf::hidden>(
        [files, timeout, address, whom](caf::event_based_actor* self) {
          auto reached = dial(self->system(), address, files, timeout);
          caf::anon_send(whom, done_atom_v, address,
                         reached ? caf::actor_cast<caf::actor>(*reached) : caf::actor{},
                         reached ? caf::error{} : std::move(reached.error()));
        });
  };
}

}  // namespace tandem
