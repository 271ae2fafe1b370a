#include "nodes/simulate/virtual_node.hpp"

#include <algorithm>

#include <caf/send.hpp>

#include "actors/cache_shard/cache_shard.hpp"
#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/planner/planner.hpp"
#include "actors/router/router.hpp"
#include "config/actor_settings.hpp"

namespace tandem::simulation {
namespace {

constexpr std::uint64_t incarnation = 1;
constexpr const char* node_name = "simulated";
constexpr journal_id journal{1};

const model_config& model_of(const node_config& config, const engine_config& engine) {
  auto same = [&](const model_config& model) { return model.name == engine.model; };
  return *std::find_if(config.models.begin(), config.models.end(), same);
}

executor_pool_services pool_services(const virtual_node_options& options) {
  const auto& config = options.config;
  executor_pool_services out{
      .incarnation = incarnation, .node = node_name, .seed = options.seed | 1};
  for (const auto& model : config.models) out.growth.emplace(model.name, growth_of(model));
  if (!config.executor.tenants.empty())
    out.tenants = std::make_shared<tenant_ledger>(config.executor.tenants);
  return out;
}

}  // namespace

virtual_node::virtual_node(virtual_node_options options) {
  auto& actors = system_.actors();
  const auto& config = options.config;
  auto routing = make_router_config(config);
  routing.engines.engines_max =
      std::max(routing.engines.engines_max, static_cast<std::uint32_t>(config.engines.size()));
  auto router =
      keep(actors.spawn(router_behavior, router_start{.config = routing,
                                                      .models = config.models,
                                                      .origin = incarnation,
                                                      .first_decision = (options.seed << 32) + 1,
                                                      .draws = options.seed | 1,
                                                      .hash_seed = options.seed | 1}));
  router_ = caf::actor_cast<router_actor>(router);
  for (const auto& engine : config.engines)
    engines_.push_back(caf::actor_cast<engine_actor>(keep(actors.spawn(
        engine_behavior, engine, model_of(config, engine), router_, backend_services{}))));
  auto pool =
      keep(actors.spawn(executor_pool_behavior, config.executor, router_, pool_services(options)));
  pool_ = caf::actor_cast<executor_pool_actor>(pool);
  caf::anon_send(router, wire_atom_v, caf::actor_cast<engine_warmer_actor>(pool));
  if (!config.executor.cache.tiers.empty())
    for (std::uint32_t i = 0; i < config.executor.cache.shards; ++i) {
      auto shard =
          keep(actors.spawn(cache_shard_behavior, cache_shard_start{.config = config.executor.cache,
                                                                    .node = node_name,
                                                                    .incarnation = incarnation,
                                                                    .number = i,
                                                                    .why_no_store = "simulated",
                                                                    .seed = options.seed + i}));
      caf::anon_send(pool, wire_atom_v, i, caf::actor_cast<cache_shard_actor>(shard));
      caf::anon_send(shard, wire_atom_v, caf::actor_cast<cache_asker>(pool));
    }
  auto disk = keep(actors.spawn(memory_journal, options.sync, std::move(options.on_write)));
  auto archive = keep(actors.spawn(empty_archive));
  planner_start start{.journal = journal, .settings = make_job_settings(config)};
  start.settings.limits.retention = {};
  planner_ = caf::actor_cast<planner_actor>(
      keep(actors.spawn(planner_behavior, start, planner_peers{disk, archive, pool_})));
  // Until the router knows its engines.
  system_.run_until(system_.now());
}

virtual_node::~virtual_node() {
  for (auto& actor : all_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  all_.clear();
  engines_.clear();
  router_ = nullptr;
  pool_ = nullptr;
  planner_ = nullptr;
}

}  // namespace tandem::simulation
