#include "actors/mesh/dialer.hpp"

#include <functional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/atom.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/node_id.hpp>
#include <caf/send.hpp>
#include <caf/spawn_options.hpp>

#include "actors/mesh/member_check.hpp"
#include "actors/mesh/tls_scribe.hpp"
#include "actors/system/connection_check.hpp"
#include "actors/system/tcp_socket.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

caf::expected<greeter_actor> greeter_of(caf::actor_system& system,
                                        const caf::strong_actor_ptr& published,
                                        const std::set<std::string>& interfaces) {
  if (!published) return caf::make_error(caf::sec::no_actor_published_at_port);
  if (!system.assignable(interfaces, system.message_types<greeter_actor>()))
    return caf::make_error(caf::sec::unexpected_actor_messaging_interface);
  return caf::actor_cast<greeter_actor>(published);
}

/// What `caf::openssl::remote_actor` does, with an end: that one connects without a timeout, on one
/// thread for all of the process.
caf::expected<greeter_actor> connect(caf::blocking_actor* self, const caf::actor& broker,
                                     const mesh_address& where, std::chrono::milliseconds timeout,
                                     const std::function<void()>& on_end) {
  auto connection = connect_tcp(where.host, where.port, timeout);
  if (!connection.problem.empty()) return make_error(errc::unavailable, connection.problem);
  auto scribe = make_tls_scribe(self->system(), std::move(connection.socket), on_end);
  if (!scribe) return caf::make_error(caf::sec::cannot_connect_to_node);
  caf::expected<greeter_actor> result{caf::sec::cannot_connect_to_node};
  // What comes later is dropped: the connection stays, and the next try shares it.
  self->request(broker, timeout, caf::connect_atom_v, std::move(scribe), where.port)
      .receive(
          [&](const caf::node_id&, const caf::strong_actor_ptr& published,
              const std::set<std::string>& interfaces) {
            result = greeter_of(self->system(), published, interfaces);
          },
          [&result](caf::error& err) { result = std::move(err); });
  return result;
}

caf::expected<greeter_actor> dial(caf::blocking_actor* self, const caf::actor& broker,
                                  const std::string& address, const tls_files& files,
                                  std::chrono::milliseconds timeout,
                                  const std::function<void()>& on_end) {
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
  auto end = std::chrono::steady_clock::now() + timeout;
  std::minstd_rand random{std::random_device{}()};
  for (int i = 1;; ++i) {
    auto reached = connect(self, broker, *where, timeout, on_end);
    if (reached) return reached;
    if (i == tries || std::chrono::steady_clock::now() >= end)
      return make_error(errc::unavailable, "what answers at " + address +
                                               " did not greet as a node of this version (" +
                                               message_of(reached.error()) + ")");
    std::this_thread::sleep_for(std::chrono::milliseconds{5 + random() % 30});
  }
}

}  // namespace

dial_function make_dialer(tls_files files, std::chrono::milliseconds timeout) {
  return [files = std::move(files), timeout](caf::actor_system& system, const std::string& address,
                                             const caf::actor& whom) {
    // Found here, where the system is not stopping: CAF made it at its start, and would make
    // another one after its end.
    auto broker = system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    system.spawn<caf::detached + caf::hidden>(
        [files, timeout, address, whom, broker](caf::blocking_actor* self) {
          // The connection outlives whoever wished it.
          auto on_end = [address, listener = caf::actor_cast<caf::actor_addr>(whom)] {
            if (auto told = caf::actor_cast<caf::actor>(listener))
              caf::anon_send(told, gone_atom_v, address);
          };
          auto reached = dial(self, broker, address, files, timeout, on_end);
          caf::anon_send(whom, done_atom_v, address,
                         reached ? caf::actor_cast<caf::actor>(*reached) : caf::actor{},
                         reached ? caf::error{} : std::move(reached.error()));
        });
  };
}

}  // namespace tandem
