#include "nodes/node/wiring.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include "actors/archive/archive.hpp"
#include "actors/clock.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/exchange/exchange.hpp"
#include "actors/http/http_loop.hpp"
#include "actors/job/job_machine.hpp"
#include "actors/journal/journal.hpp"
#include "actors/replication/register_copies.hpp"
#include "actors/replication/replicated_journal.hpp"
#include "actors/router/route_keeper.hpp"
#include "actors/router/router.hpp"
#include "config/actor_settings.hpp"
#include "nodes/node/alarm_parts.hpp"
#include "nodes/node/door_parts.hpp"
#include "nodes/node/engine_admin.hpp"
#include "nodes/node/hosting.hpp"
#include "nodes/node/node_replication.hpp"
#include "nodes/node/weight_parts.hpp"

namespace tandem {
namespace {

const model_config& model_of(const node_config& config, const engine_config& engine) {
  for (const auto& model : config.models)
    if (model.name == engine.model) return model;
  // validate() has refused an engine of an unknown model.
  return config.models.front();
}

constexpr std::chrono::seconds dial_timeout{3};

/// A pool and a shard of its node.
void meet(const executor_pool_inside& pool, const cache_shard_inside& shard, std::uint32_t number) {
  caf::anon_send(pool, wire_atom_v, number, caf::actor_cast<cache_shard_actor>(shard));
  caf::anon_send(shard, wire_atom_v, caf::actor_cast<cache_asker>(pool));
}

/// Whom the one that looks after weights asks.
void meet_router(const node_actors& actors) {
  if (actors.weight_sync && actors.router)
    caf::anon_send(actors.weight_sync, wire_atom_v, caf::actor_cast<router_actor>(actors.router));
}

void meet_pool(const node_actors& actors) {
  if (actors.weight_sync && actors.pool)
    caf::anon_send(actors.weight_sync, wire_atom_v, std::uint64_t{0},
                   caf::actor_cast<pin_asked>(actors.pool));
  // It warms the node's engines.
  if (actors.router && actors.pool)
    caf::anon_send(actors.router, wire_atom_v, caf::actor_cast<engine_warmer_actor>(actors.pool));
  if (actors.exchange && actors.pool)
    caf::anon_send(actors.exchange, wire_atom_v, caf::actor_cast<engine_warmer_actor>(actors.pool));
}

void meet_planner(const node_actors& actors, const hosted_journal& hosted) {
  if (actors.weight_sync && hosted.planner)
    caf::anon_send(actors.weight_sync, wire_atom_v, hosted.store->id().value,
                   caf::actor_cast<pin_asked>(hosted.planner));
}

constexpr std::string_view origin_name = "origin";

/// Under which what the store keeps is published. A store that was lost, or set aside, is another
/// origin: what it had told the others stays theirs, and what begins anew is not taken for it.
std::uint64_t origin_of(storage::route_store& store, std::uint64_t fresh) {
  for (const auto& each : store.load(0).states) {
    if (each.name != origin_name) continue;
    std::uint64_t origin = 0;
    auto [end, failed] =
        std::from_chars(each.bytes.data(), each.bytes.data() + each.bytes.size(), origin);
    if (failed == std::errc{} && origin != 0) return origin;
  }
  storage::route_batch first;
  first.states.push_back({std::string{origin_name}, std::to_string(fresh)});
  if (auto err = store.write(first))
    spdlog::warn("routing: the origin is not kept why=\"{}\"", message_of(err));
  return fresh;
}

struct route_memory_parts {
  /// Null: nothing is kept, and why.
  std::shared_ptr<storage::route_store> store;
  std::string why;
  std::uint64_t origin = 0;
};

route_memory_parts open_route_memory(const node_parts& parts) {
  // Random, and of this start.
  route_memory_parts memory{.origin = parts.incarnation << 32 | (unix_ms() & 0xFFFF'FFFF)};
  auto opened = storage::route_store::open({.folder = parts.config.data / "routing",
                                            .decisions_kept = parts.config.routing.decisions_kept});
  if (!opened) {
    // A node without a memory of its routing is better than none.
    memory.why = message_of(opened.error());
    spdlog::warn("routing: nothing is kept why=\"{}\"", memory.why);
    return memory;
  }
  memory.store = std::move(*opened);
  memory.origin = origin_of(*memory.store, memory.origin);
  parts.stores->add("routing", memory.store);
  return memory;
}

/// Started before the router and stopped after it, so that it is there for the router's last words.
child_spec route_keeper_child(const node_parts& parts, const route_memory_parts& memory) {
  return {.name = "route_keeper",
          .kind = "route_keeper",
          .spawn =
              [memory, actors = parts.actors,
               waiting_max = parts.config.routing.decisions_max](caf::actor_system& system) {
                actors->route_keeper = system.spawn<caf::detached>(
                    route_keeper_behavior, memory.store, waiting_max, memory.why);
                return caf::actor_cast<caf::actor>(actors->route_keeper);
              },
          .announce =
              [actors = parts.actors] {
                if (actors->router)
                  caf::anon_send(actors->router, wire_atom_v, actors->route_keeper);
              }};
}

child_spec router_child(const node_parts& parts, std::uint64_t origin) {
  const auto& actors = parts.actors;
  // Ids of one that is started anew are above all that the old one gave.
  auto starts = std::make_shared<std::uint64_t>(0);
  return {.name = "router",
          .kind = "router",
          .spawn =
              [parts, origin, starts](caf::actor_system& system) {
                router_start start{
                    .config = make_router_config(parts.config),
                    .models = parts.config.models,
                    .origin = origin,
                    .embeddings = parts.config.routing.embeddings ? parts.embeddings : nullptr,
                    .first_decision = (parts.incarnation << 32) + ((*starts)++ << 27) + 1,
                    .draws = parts.incarnation};
                auto& actors = *parts.actors;
                actors.router = system.spawn(router_behavior, start);
                caf::anon_send(actors.router, wire_atom_v, actors.route_keeper);
                return caf::actor_cast<caf::actor>(actors.router);
              },
          .announce =
              [actors] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->router));
                meet_router(*actors);
                for (auto& [name, engine] : actors->engines)
                  caf::anon_send(engine, wire_atom_v,
                                 caf::actor_cast<router_actor>(actors->router));
                if (actors->pool)
                  caf::anon_send(actors->pool, wire_atom_v,
                                 caf::actor_cast<router_actor>(actors->router));
                meet_pool(*actors);
                if (actors->exchange) caf::anon_send(actors->exchange, wire_atom_v, actors->router);
              }};
}

/// Null: there is none, and why.
std::pair<std::shared_ptr<storage::cache_store>, std::string> open_cache_store(
    const node_parts& parts, std::uint32_t number) {
  const auto& config = parts.config.executor.cache;
  storage::cache_store_options options{
      .folder = parts.config.data / "cache" / std::to_string(number),
      .value_schema = capnp::Schema::from<schema::CacheEntry>()};
  for (const auto& tier : config.tiers)
    if (tier.disk_bytes != 0)
      options.tiers.push_back({.name = tier.tier,
                               .bytes_max = std::max<std::uint64_t>(tier.disk_bytes / config.shards,
                                                                    storage::cache_tier_bytes_min),
                               .ttl_ms = static_cast<std::uint64_t>(tier.ttl.count())});
  if (options.tiers.empty()) return {};
  std::error_code failure;
  std::filesystem::create_directories(options.folder.parent_path(), failure);
  std::filesystem::permissions(options.folder.parent_path(), std::filesystem::perms::owner_all,
                               failure);
  auto opened = storage::cache_store::open(options);
  if (!opened) {
    auto why = message_of(opened.error());
    spdlog::warn("cache: nothing is kept on the disk why=\"{}\"", why);
    return {nullptr, why};
  }
  for (const auto& note : (*opened)->notes()) spdlog::warn("cache: {}", note);
  std::shared_ptr<storage::cache_store> store{std::move(*opened)};
  parts.stores->add("cache", store);
  return {std::move(store), {}};
}

child_spec cache_shard_child(const node_parts& parts, std::uint32_t number) {
  auto [store, why] = open_cache_store(parts, number);
  cache_shard_start start{.config = parts.config.executor.cache,
                          .node = parts.config.name,
                          .incarnation = parts.incarnation,
                          .number = number,
                          .store = store,
                          .why_no_store = why,
                          .seed = parts.incarnation + number};
  return {.name = "cache_shard_" + std::to_string(number),
          .kind = "cache_shard",
          .spawn =
              [start, actors = parts.actors](caf::actor_system& system) {
                auto& all = actors->cache_shards;
                if (all.size() <= start.number) all.resize(start.number + 1);
                auto shard = system.spawn<caf::detached>(cache_shard_behavior, start);
                all[start.number] = shard;
                if (actors->pool) meet(actors->pool, shard, start.number);
                return caf::actor_cast<caf::actor>(shard);
              },
          .announce =
              [actors = parts.actors, number] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->cache_shards[number]));
              }};
}

child_spec pool_child(const node_parts& parts, const executor_pool_services& services) {
  const auto& actors = parts.actors;
  return {
      .name = "executor_pool",
      .kind = "executor_pool",
      .spawn =
          [config = parts.config.executor, services, actors](caf::actor_system& system) {
            actors->pool = system.spawn(executor_pool_behavior, config,
                                        caf::actor_cast<router_actor>(actors->router), services);
            for (std::uint32_t i = 0; i < actors->cache_shards.size(); ++i)
              meet(actors->pool, actors->cache_shards[i], i);
            return caf::actor_cast<caf::actor>(actors->pool);
          },
      .announce =
          [actors] {
            meet_pool(*actors);
            meet_gateway(*actors);
            // It is to hear of the other nodes' shards.
            if (actors->mesh)
              caf::anon_send(actors->mesh, wire_atom_v, caf::actor_cast<caf::actor>(actors->pool));
            for (const auto& each : actors->journals)
              if (each->planner)
                caf::anon_send(each->planner, wire_atom_v,
                               caf::actor_cast<executor_pool_actor>(actors->pool));
          }};
}

executor_pool_services pool_services(const node_parts& parts, const storage::journal& store) {
  const auto& config = parts.config;
  executor_pool_services services{.incarnation = parts.incarnation,
                                  .node = config.name,
                                  .metrics = parts.metrics,
                                  .trace = parts.services.trace};
  if (config.executor.cache.embeddings) services.embeddings = parts.embeddings;
  for (const auto& model : config.models) services.growth.emplace(model.name, growth_of(model));
  if (config.executor.tenants.empty()) return services;
  services.tenants = std::make_shared<tenant_ledger>(config.executor.tenants);
  auto now = unix_ms();
  for (const auto& row : store.spending(services.tenants->oldest_period_ms(now)))
    services.tenants->add_spent(row.tenant, {row.tokens, row.cost_nanousd}, row.hour_ms, now);
  return services;
}

replicated_journal_start committer_start(const hosted_journal& hosted, const journal_config& config,
                                         const std::shared_ptr<node_metrics>& metrics) {
  const auto& led = *hosted.led;
  replicated_journal_start start{
      .store = hosted.store,
      .config = config,
      .limits = {.copies = led.record.copies, .min_in_sync = led.record.min_in_sync},
      .epoch = led.record.epoch,
      .self = {led.self.node, led.self.replica},
      .agreement = std::make_shared<register_copies>(led.agreement),
      .metrics = metrics};
  for (const auto& copy : led.record.in_sync) start.in_sync.push_back({copy.node, copy.replica});
  return start;
}

/// To whoever asks other nodes to follow it.
void announce_committer(const node_actors& actors, const hosted_journal& hosted) {
  if (!actors.replicas || !hosted.led || !hosted.journal) return;
  caf::anon_send(actors.replicas, wire_atom_v, hosted.led->journal.value, hosted.led->record.epoch,
                 caf::actor_cast<caf::actor>(hosted.journal));
}

child_spec journal_child(const node_parts& parts, const std::shared_ptr<hosted_journal>& hosted,
                         const std::string& suffix) {
  return {.name = "journal" + suffix,
          .kind = "journal",
          .fatal = true,
          .spawn = [config = parts.config.journal, hosted, actors = parts.actors,
                    metrics = parts.metrics](caf::actor_system& system) {
            actors->journals.push_back(hosted);
            if (hosted->led) {
              hosted->journal = system.spawn<caf::detached>(
                  replicated_journal_behavior, committer_start(*hosted, config, metrics));
              announce_committer(*actors, *hosted);
            } else {
              hosted->journal = system.spawn<caf::detached>(counted_journal_behavior, hosted->store,
                                                            config, metrics);
            }
            return caf::actor_cast<caf::actor>(hosted->journal);
          }};
}

child_spec archive_child(const node_parts& parts, const std::shared_ptr<hosted_journal>& hosted,
                         const std::string& suffix) {
  return {.name = "archive" + suffix,
          .kind = "archive",
          .spawn =
              [limits = plan_limits(parts.config.jobs), hosted](caf::actor_system& system) {
                hosted->archive =
                    system.spawn<caf::detached>(archive_behavior, hosted->store, limits);
                return caf::actor_cast<caf::actor>(hosted->archive);
              },
          .announce =
              [hosted] {
                if (hosted->planner) caf::anon_send(hosted->planner, wire_atom_v, hosted->archive);
              }};
}

/// A journal that was taken over: other nodes learn that it is open here.
void announce_home(const node_actors& actors, own_member& self, const led_journal& taken) {
  auto changed = self.update([&taken](own_member::facts& facts) {
    facts.journals.emplace_back(taken.journal.value, taken.birth_ms);
  });
  if (actors.mesh) caf::anon_send(actors.mesh, node_atom_v, changed);
}

child_spec planner_child(const node_parts& parts, const std::shared_ptr<hosted_journal>& hosted,
                         const planner_start& start, const std::string& suffix) {
  auto traced = start;
  traced.settings.trace = parts.services.trace;
  // Its jobs rely on it: it does not start again without them.
  return {.name = "planner" + suffix,
          .kind = "planner",
          .fatal = true,
          .spawn =
              [start = traced, hosted, actors = parts.actors, self = parts.self,
               is_own = suffix.empty()](caf::actor_system& system) {
                planner_peers peers{.journal = hosted->journal,
                                    .archive = hosted->archive,
                                    .pool = caf::actor_cast<executor_pool_actor>(actors->pool)};
                hosted->planner = system.spawn(planner_behavior, start, peers);
                if (actors->front)
                  caf::anon_send(actors->front, wire_atom_v, hosted->store->id().value,
                                 caf::actor_cast<planner_actor>(hosted->planner));
                meet_planner(*actors, *hosted);
                if (!is_own && hosted->led) announce_home(*actors, *self, *hosted->led);
                return caf::actor_cast<caf::actor>(hosted->planner);
              },
          .drains = true};
}

child_spec exchange_child(const node_parts& parts) {
  exchange_config config{.incarnation = parts.incarnation,
                         .peer_work_max = parts.config.cluster.peer_work_max,
                         .peer_bytes_max = parts.config.cluster.peer_bytes_max};
  for (const auto& model : parts.config.models) config.models.push_back(model.name);
  // Ids of one that is started anew are above all that the old one gave.
  auto starts = std::make_shared<std::uint64_t>(0);
  return {.name = "exchange",
          .kind = "exchange",
          .spawn =
              [config, starts, actors = parts.actors](caf::actor_system& system) {
                auto now = config;
                now.first_id = ((*starts)++ << 40) + 1;
                actors->exchange = system.spawn(exchange_behavior, now, actors->router);
                return caf::actor_cast<caf::actor>(actors->exchange);
              },
          .announce =
              [actors = parts.actors] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->exchange));
                meet_pool(*actors);
              }};
}

child_spec front_child(const node_parts& parts) {
  return {.name = "front",
          .kind = "front",
          .spawn =
              [start = parts.front, actors = parts.actors](caf::actor_system& system) {
                actors->front = system.spawn(front_behavior, front_config{}, start);
                for (const auto& each : actors->journals)
                  if (each->planner)
                    caf::anon_send(actors->front, wire_atom_v, each->store->id().value,
                                   caf::actor_cast<planner_actor>(each->planner));
                return caf::actor_cast<caf::actor>(actors->front);
              },
          .announce =
              [actors = parts.actors] {
                meet_gateway(*actors);
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->front));
              }};
}

child_spec replicas_child(const node_parts& parts) {
  auto shared = parts.replication;
  replicas_start start{.node = parts.config.name,
                       .folder = shared->copies_folder(),
                       .storage = parts.storage,
                       .durability = parts.config.journal.durability,
                       .births = parts.births,
                       .open_register =
                           [shared](journal_id journal, const journal_copy& copy) {
                             return shared->open_register(journal, copy);
                           },
                       .lease = [shared] { return shared->lease(); }};
  return {.name = "replicas",
          .kind = "replicas",
          .spawn =
              [start, parts](caf::actor_system& system) {
                auto& actors = *parts.actors;
                auto now = start;
                for (const auto& each : actors.journals)
                  if (each->led) now.led.push_back(*each->led);
                now.host = [parts, &system](const led_journal& taken) {
                  return host_journal(parts, system, taken);
                };
                actors.replicas = system.spawn<caf::detached>(replicas_behavior, std::move(now));
                for (const auto& each : actors.journals) announce_committer(actors, *each);
                return caf::actor_cast<caf::actor>(actors.replicas);
              },
          .announce =
              [actors = parts.actors] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->replicas));
              }};
}

child_spec weight_sync_child(const node_parts& parts, const weight_sync_start& start) {
  return {.name = "weight_sync",
          .kind = "weight_sync",
          .spawn =
              [start, actors = parts.actors](caf::actor_system& system) {
                actors->weight_sync = system.spawn<caf::detached>(weight_sync_behavior, start);
                meet_router(*actors);
                meet_pool(*actors);
                for (const auto& each : actors->journals) meet_planner(*actors, *each);
                return caf::actor_cast<caf::actor>(actors->weight_sync);
              },
          .announce =
              [actors = parts.actors] {
                tell_mesh(*actors, caf::actor_cast<caf::actor>(actors->weight_sync));
              }};
}

child_spec mesh_child(const node_parts& parts) {
  return {.name = "mesh", .kind = "mesh", .spawn = [parts](caf::actor_system& system) {
            auto& actors = *parts.actors;
            mesh_setup setup{.config = parts.config.cluster,
                             .own = parts.self->message(),
                             .handles = handles_of(actors),
                             .dial = make_dialer(*parts.tls, dial_timeout),
                             .random_seed = parts.incarnation};
            setup.listeners.push_back(caf::actor_cast<member_listener>(actors.exchange));
            setup.listeners.push_back(caf::actor_cast<member_listener>(actors.front));
            setup.listeners.push_back(caf::actor_cast<member_listener>(actors.router));
            setup.listeners.push_back(caf::actor_cast<member_listener>(actors.pool));
            for (const auto& shard : actors.cache_shards)
              setup.listeners.push_back(caf::actor_cast<member_listener>(shard));
            if (actors.weight_sync)
              setup.listeners.push_back(caf::actor_cast<member_listener>(actors.weight_sync));
            if (actors.keys)
              setup.listeners.push_back(caf::actor_cast<member_listener>(actors.keys));
            if (actors.replicas)
              setup.listeners.push_back(caf::actor_cast<member_listener>(actors.replicas));
            if (actors.supervisor)
              setup.listeners.push_back(caf::actor_cast<member_listener>(actors.supervisor));
            actors.mesh = system.spawn<caf::detached>(mesh_behavior, std::move(setup));
            return caf::actor_cast<caf::actor>(actors.mesh);
          }};
}

child_spec engine_admin_child(const node_parts& parts) {
  engine_admin_parts admin{
      .config = parts.config,
      .engines = parts.registry,
      .make_child = [parts](const engine_config& engine) { return engine_child(parts, engine); },
      .host = [actors = parts.actors] { return caf::actor_cast<child_host>(actors->supervisor); }};
  return {
      .name = "engine_admin", .kind = "engine_admin", .spawn = [admin](caf::actor_system& system) {
        return caf::actor_cast<caf::actor>(
            system.spawn<caf::detached>(engine_admin_behavior, admin));
      }};
}

}  // namespace

void tell_mesh(const node_actors& actors, const caf::actor& listener) {
  if (!actors.mesh) return;
  caf::anon_send(actors.mesh, wire_atom_v, handles_of(actors));
  caf::anon_send(actors.mesh, wire_atom_v, listener);
}

peer_handles handles_of(const node_actors& actors) {
  std::vector<caf::actor> shards;
  for (const auto& each : actors.cache_shards) shards.push_back(caf::actor_cast<caf::actor>(each));
  return {.supervisor = caf::actor_cast<caf::actor>(actors.supervisor),
          .exchange = caf::actor_cast<caf::actor>(actors.exchange),
          .front = caf::actor_cast<caf::actor>(actors.front),
          .replicas = caf::actor_cast<caf::actor>(actors.replicas),
          .router = caf::actor_cast<caf::actor>(actors.router),
          .cache_shards = std::move(shards),
          .weight_sync = caf::actor_cast<caf::actor>(actors.weight_sync),
          .gateway = caf::actor_cast<caf::actor>(actors.keys)};
}

child_spec engine_child(const node_parts& parts, const engine_config& engine) {
  return {.name = engine.name,
          .kind = "engine",
          .spawn =
              [engine, model = model_of(parts.config, engine), services = parts.services,
               actors = parts.actors, serving = parts.serving](caf::actor_system& system) {
                // It makes itself known to the router.
                auto handle = system.spawn(engine_behavior, serving->apply(engine), model,
                                           caf::actor_cast<router_actor>(actors->router), services);
                actors->engines.insert_or_assign(engine.name, handle);
                return caf::actor_cast<caf::actor>(handle);
              },
          .drains = true};
}

std::vector<child_spec> journal_children(const node_parts& parts,
                                         std::shared_ptr<storage::journal> store,
                                         const planner_start& start, const std::string& suffix,
                                         std::optional<led_journal> led) {
  auto hosted = std::make_shared<hosted_journal>();
  hosted->store = std::move(store);
  hosted->led = std::move(led);
  parts.stores->add("journal", hosted->store);
  std::vector<child_spec> children{journal_child(parts, hosted, suffix),
                                   archive_child(parts, hosted, suffix)};
  if (parts.config.has_role("planner"))
    children.push_back(planner_child(parts, hosted, start, suffix));
  return children;
}

std::vector<child_spec> wire_node(const node_parts& parts, std::shared_ptr<storage::journal> store,
                                  const planner_start& start) {
  auto led = parts.replication ? std::optional{parts.replication->home()} : std::nullopt;
  auto own = journal_children(parts, store, start, "", std::move(led));
  std::vector<child_spec> children{own[0], own[1]};
  // Also without the executor's role: attempts go to the engines of other nodes.
  auto memory = open_route_memory(parts);
  auto weights = weight_parts(parts);
  children.push_back(route_keeper_child(parts, memory));
  children.push_back(router_child(parts, memory.origin));
  if (parts.config.has_role("executor")) {
    announce_engine_changes(parts.config, *parts.registry);
    auto make = [parts](const engine_config& engine) { return engine_child(parts, engine); };
    for (const auto& engine : parts.config.engines)
      children.push_back(registered_engine(engine, parts.registry, make));
    children.push_back(engine_admin_child(parts));
  }
  children.push_back(exchange_child(parts));
  const auto& cache = parts.config.executor.cache;
  for (std::uint32_t i = 0; i < cache.shards && !cache.tiers.empty(); ++i)
    children.push_back(cache_shard_child(parts, i));
  children.push_back(pool_child(parts, pool_services(parts, *store)));
  children.insert(children.end(), own.begin() + 2, own.end());
  children.push_back(front_child(parts));
  if (parts.replication) children.push_back(replicas_child(parts));
  if (weights) children.push_back(weight_sync_child(parts, *weights));
  if (parts.gateway) {
    children.push_back(keys_child(parts));
    children.push_back(gateway_child(parts));
  }
  if (parts.tls) children.push_back(mesh_child(parts));
  children.push_back(alarm_watch_child(parts));
  return children;
}

}  // namespace tandem
