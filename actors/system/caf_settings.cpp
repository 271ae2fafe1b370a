#include "actors/system/caf_settings.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/io/middleman.hpp>
#include <caf/message.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/timespan.hpp>

#include "actors/mesh/peer_handles.hpp"
#include "actors/system/tls_error_queue.hpp"
#include "schema/errc.hpp"
#include "schema/types.hpp"

namespace tandem {
namespace {

std::string render_error(std::uint8_t code, caf::atom_value, const caf::message& context) {
  std::string text = to_string(static_cast<errc>(code));
  if (context.match_elements<std::string>()) {
    text += ": " + context.get_as<std::string>(0);
  }
  return text;
}

}  // namespace

caf::expected<std::unique_ptr<system_config>> system_config::make(const system_settings& settings) {
  if (settings.network) {
    if (!tls_connections_are_apart())
      return make_error(
          errc::internal,
          "this program is linked so that one broken TLS connection would end the others; "
          "link Tandem statically and CAF and OpenSSL as shared libraries");
    if (auto err = check_certificate_files(*settings.network)) return err;
  }
  return std::unique_ptr<system_config>{new system_config{settings}};
}

system_config::system_config(const system_settings& settings) {
  auto threads = settings.threads > 0 ? std::size_t{settings.threads}
                                      : std::size_t{std::thread::hardware_concurrency()};
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", std::max<std::size_t>(threads, 1));
  set("logger.verbosity", caf::atom("quiet"));
  set("logger.console", caf::atom("none"));
  add_message_types<caf::id_block::tandem_messages>();
  add_message_types<caf::id_block::tandem_mesh>();
  add_error_category(caf::atom("tandem"), render_error);
  if (!settings.network) return;

  set("middleman.heartbeat-interval", caf::timespan{settings.heartbeat});
  set("middleman.connection-timeout", caf::timespan{settings.connection_timeout});
  openssl_certificate = settings.network->certificate.string();
  openssl_key = settings.network->key.string();
  openssl_cafile = settings.network->ca.string();
  load<caf::io::middleman>();
  load<caf::openssl::manager>();
}

}  // namespace tandem
