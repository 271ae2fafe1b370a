#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>

#include "actors/engine/engine_config.hpp"
#include "actors/exchange/exchange_actor.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/system/caf_settings.hpp"

namespace tandem::testing {

/// Router, pool, exchange and perhaps one simulated engine in an actor system of its own, reachable
/// over TLS: as much of a node as sharing engines needs.
class exchange_node {
 public:
  /// Throws where it cannot listen.
  exchange_node(std::string name, std::uint64_t incarnation, const tls_files& files,
                const std::vector<engine_config>& engines);
  exchange_node(const exchange_node&) = delete;
  exchange_node& operator=(const exchange_node&) = delete;
  ~exchange_node();

  /// Makes each known to the other over one connection, as their meshes would; false: it cannot.
  [[nodiscard]] bool join(exchange_node& other);
  /// As this node's mesh would say it.
  void told_gone(const std::string& name, std::uint64_t incarnation);
  /// Of all engines elsewhere: what this node may have there at once.
  [[nodiscard]] std::uint32_t credits();
  /// False: not within some seconds.
  [[nodiscard]] bool wait_for_credits();

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  [[nodiscard]] const executor_pool_actor& pool() const { return pool_; }
  [[nodiscard]] const exchange_actor& exchange() const { return exchange_; }

 private:
  std::string name_;
  std::uint64_t incarnation_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  router_inside router_;
  executor_pool_actor pool_;
  exchange_actor exchange_;
  std::vector<caf::actor> actors_;
  std::uint16_t port_ = 0;
};

}  // namespace tandem::testing
