#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <caf/actor.hpp>

#include "actors/engine/engine_actor.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/planner/planner_actor.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/virtual_time/virtual_system.hpp"
#include "config/node_config.hpp"
#include "nodes/simulate/memory_journal.hpp"

namespace tandem::simulation {

struct virtual_node_options {
  /// All engines are of kind `sim`.
  node_config config;
  std::uint64_t seed = 1;
  /// How long a write to the journal takes to be durable.
  std::chrono::microseconds sync{300};
  memory_journal_state::watcher on_write;
};

/// The actors of a node that plan, route, cache, admit and act, in virtual time: those that run in
/// production, but for the disk. What needs other processes is not there: HTTP, other nodes,
/// the L3 caches. Of this thread alone.
class virtual_node {
 public:
  explicit virtual_node(virtual_node_options options);
  ~virtual_node();
  virtual_node(const virtual_node&) = delete;
  virtual_node& operator=(const virtual_node&) = delete;

  [[nodiscard]] virtual_system& time() { return system_; }
  [[nodiscard]] const executor_pool_actor& pool() const { return pool_; }
  [[nodiscard]] const planner_actor& planner() const { return planner_; }
  [[nodiscard]] const router_actor& router() const { return router_; }
  /// In the order of the config.
  [[nodiscard]] const std::vector<engine_actor>& engines() const { return engines_; }

 private:
  template <class Handle>
  const Handle& keep(const Handle& actor) {
    all_.push_back(caf::actor_cast<caf::actor>(actor));
    return actor;
  }

  virtual_system system_;
  router_actor router_;
  executor_pool_actor pool_;
  planner_actor planner_;
  std::vector<engine_actor> engines_;
  std::vector<caf::actor> all_;
};

}  // namespace tandem::simulation
