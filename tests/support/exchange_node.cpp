#include "tests/support/exchange_node.hpp"

#include <stdexcept>
#include <thread>

#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/engine/engine.hpp"
#include "actors/exchange/exchange.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"

namespace tandem::testing {
namespace {

using namespace std::chrono_literals;

tmsg::member make_member(const std::string& name, std::uint64_t incarnation,
                         schema::MemberState state) {
  message_builder<schema::Member> out;
  out->setName(name);
  out->setIncarnation(incarnation);
  out->setState(state);
  return out.finish();
}

}  // namespace

exchange_node::exchange_node(std::string name, std::uint64_t incarnation, const tls_files& files,
                             const std::vector<engine_config>& engines)
    : name_{std::move(name)}, incarnation_{incarnation} {
  auto config = system_config::make({.threads = 1, .network = files});
  if (!config) throw std::runtime_error{message_of(config.error())};
  config_ = std::move(*config);
  system_ = std::make_unique<caf::actor_system>(*config_);
  std::vector<model_config> models{{.name = "tiny", .tier = "small"}};
  router_ = system_->spawn(router_behavior,
                           router_start{.models = models, .first_decision = incarnation << 32});
  pool_ = caf::actor_cast<executor_pool_actor>(system_->spawn(
      executor_pool_behavior, executor_pool_config{}, router_, executor_pool_services{}));
  exchange_ = system_->spawn(
      exchange_behavior, exchange_config{.incarnation = incarnation, .models = {"tiny"}}, router_);
  actors_ = {caf::actor_cast<caf::actor>(router_), caf::actor_cast<caf::actor>(pool_),
             caf::actor_cast<caf::actor>(exchange_)};
  for (const auto& engine : engines)
    actors_.push_back(caf::actor_cast<caf::actor>(
        system_->spawn(engine_behavior, engine, models[0], router_, backend_services{})));
  auto port = caf::openssl::publish(actors_[2], 0, "127.0.0.1");
  if (!port) throw std::runtime_error{caf::to_string(port.error())};
  port_ = *port;
}

exchange_node::~exchange_node() {
  // The exchange first: a node that is lost says nothing more of what it was doing.
  caf::anon_send_exit(exchange_, caf::exit_reason::user_shutdown);
  for (const auto& each : actors_) caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
}

bool exchange_node::join(exchange_node& other) {
  // Not from within a scheduled actor: it blocks.
  auto remote = caf::openssl::remote_actor(*system_, "127.0.0.1", other.port_);
  if (!remote) return false;
  // Over the wire, so that the other gets a handle of the same connection.
  caf::anon_send(*remote, member_atom_v,
                 make_member(name_, incarnation_, schema::MemberState::ALIVE),
                 peer_handles{.exchange = actors_[2]});
  caf::anon_send(exchange_, member_atom_v,
                 make_member(other.name_, other.incarnation_, schema::MemberState::ALIVE),
                 peer_handles{.exchange = *remote});
  return true;
}

void exchange_node::told_gone(const std::string& name, std::uint64_t incarnation) {
  caf::anon_send(exchange_, member_atom_v,
                 make_member(name, incarnation, schema::MemberState::GONE), peer_handles{});
}

std::uint32_t exchange_node::credits() {
  caf::scoped_actor self{*system_};
  std::uint32_t sum = 0;
  self->request(exchange_, caf::infinite, list_atom_v)
      .receive(
          [&sum](const tmsg::offer& offer) {
            auto reader = offer.read();
            for (auto each : reader->getEngines()) sum += each.getCredits();
          },
          [](const caf::error&) {});
  return sum;
}

bool exchange_node::wait_for_credits() {
  for (int i = 0; i < 1000; ++i) {
    if (credits() != 0) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace tandem::testing
