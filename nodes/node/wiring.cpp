#include "nodes/node/wiring.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include "actors/archive/archive.hpp"
#include "actors/clock.hpp"
#include "actors/engine/engine.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/http/http_loop.hpp"
#include "actors/job/job_machine.hpp"
#include "actors/journal/journal.hpp"
#include "actors/router/router.hpp"

namespace tandem {
namespace {

const model_config& model_of(const node_config& config, const engine_config& engine) {
  for (const auto& model : config.models)
    if (model.name == engine.model) return model;
  // validate() has refused an engine of an unknown model.
  return config.models.front();
}

child_spec engine_child(const node_config& config, std::size_t place,
                        const backend_services& services,
                        const std::shared_ptr<node_actors>& actors) {
  const auto& engine = config.engines[place];
  return {.name = engine.name,
          .kind = "engine",
          .spawn = [engine, model = model_of(config, engine), place, services,
                    actors](caf::actor_system& system) {
            // It makes itself known to the router.
            auto handle = system.spawn(engine_behavior, engine, model, actors->router, services);
            actors->engines[place] = handle;
            return caf::actor_cast<caf::actor>(handle);
          }};
}

child_spec router_child(const node_config& config, std::uint64_t first_decision,
                        const std::shared_ptr<node_actors>& actors) {
  return {.name = "router",
          .kind = "router",
          .spawn =
              [config, first_decision, actors](caf::actor_system& system) {
                actors->router =
                    system.spawn(router_behavior, config.routing, config.models, first_decision);
                return caf::actor_cast<caf::actor>(actors->router);
              },
          .announce =
              [actors] {
                for (auto& engine : actors->engines)
                  caf::anon_send(engine, wire_atom_v, actors->router);
                if (actors->pool) caf::anon_send(actors->pool, wire_atom_v, actors->router);
              }};
}

child_spec pool_child(const node_config& config, const executor_pool_services& services,
                      const std::shared_ptr<node_actors>& actors) {
  return {.name = "executor_pool",
          .kind = "executor_pool",
          .spawn =
              [config = config.executor, services, actors](caf::actor_system& system) {
                actors->pool =
                    system.spawn(executor_pool_behavior, config, actors->router, services);
                return caf::actor_cast<caf::actor>(actors->pool);
              },
          .announce =
              [actors] {
                if (actors->planner)
                  caf::anon_send(actors->planner, wire_atom_v,
                                 caf::actor_cast<executor_pool_actor>(actors->pool));
              }};
}

executor_pool_services pool_services(const node_config& config, const storage::journal& store) {
  executor_pool_services services;
  for (const auto& model : config.models) services.growth.emplace(model.name, growth_of(model));
  if (config.executor.tenants.empty()) return services;
  services.tenants = std::make_shared<tenant_ledger>(config.executor.tenants);
  auto now = unix_ms();
  for (const auto& row : store.spending(services.tenants->oldest_period_ms(now)))
    services.tenants->add_spent(row.tenant, {row.tokens, row.cost_nanousd}, row.hour_ms, now);
  return services;
}

}  // namespace

std::vector<child_spec> wire_node(const node_config& config,
                                  std::shared_ptr<storage::journal> store,
                                  const planner_start& start, std::uint64_t incarnation,
                                  std::shared_ptr<node_actors> actors) {
  std::vector<child_spec> children;
  children.push_back({.name = "journal",
                      .kind = "journal",
                      .fatal = true,
                      .spawn = [store, config = config.journal, actors](caf::actor_system& system) {
                        actors->journal =
                            system.spawn<caf::detached>(journal_behavior, store, config);
                        return caf::actor_cast<caf::actor>(actors->journal);
                      }});
  children.push_back(
      {.name = "archive",
       .kind = "archive",
       .spawn =
           [store, limits = plan_limits(config.jobs), actors](caf::actor_system& system) {
             actors->archive = system.spawn<caf::detached>(archive_behavior, store, limits);
             return caf::actor_cast<caf::actor>(actors->archive);
           },
       .announce =
           [actors] {
             if (actors->planner) caf::anon_send(actors->planner, wire_atom_v, actors->archive);
           }});
  if (config.has_role("executor")) {
    children.push_back(router_child(config, incarnation << 32, actors));
    actors->engines.resize(config.engines.size());
    backend_services services{.data_folder = config.data};
    for (const auto& engine : config.engines)
      if (engine.kind == "http" || engine.kind == "managed")
        if (!services.http) services.http = std::make_shared<http_loop>();
    for (std::size_t i = 0; i < config.engines.size(); ++i)
      children.push_back(engine_child(config, i, services, actors));
    children.push_back(pool_child(config, pool_services(config, *store), actors));
  }
  if (config.has_role("planner")) {
    // Its jobs rely on it: it does not start again without them.
    children.push_back({.name = "planner",
                        .kind = "planner",
                        .fatal = true,
                        .spawn = [start, actors](caf::actor_system& system) {
                          planner_peers peers{
                              .journal = actors->journal,
                              .archive = actors->archive,
                              .pool = caf::actor_cast<executor_pool_actor>(actors->pool)};
                          actors->planner = system.spawn(planner_behavior, start, peers);
                          return caf::actor_cast<caf::actor>(actors->planner);
                        }});
  }
  return children;
}

}  // namespace tandem
