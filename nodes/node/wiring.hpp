#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/alarm/alarm_book.hpp"
#include "actors/archive/archive_actor.hpp"
#include "actors/cache_shard/cache_shard.hpp"
#include "actors/embedding/embedding_client.hpp"
#include "actors/engine/engine.hpp"
#include "actors/exchange/exchange_actor.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/front/front.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/gateway/key_keeper.hpp"
#include "actors/journal/journal_actor.hpp"
#include "actors/mesh/mesh.hpp"
#include "actors/metrics/metrics_history.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "actors/planner/planner.hpp"
#include "actors/replication/replicas.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "config/node_config.hpp"
#include "nodes/node/engine_registry.hpp"
#include "nodes/node/own_member.hpp"
#include "storage/journal.hpp"

namespace tandem {

class etcd_client;
class node_replication;

/// A journal that is open here, and the actors that keep it.
struct hosted_journal {
  std::shared_ptr<storage::journal> store;
  journal_actor journal;
  archive_actor archive;
  planner_inside planner;
  /// With copies: what its committer begins with.
  std::optional<led_journal> led;
};

/// The node's actors as they are now. Touched by the supervisor alone, once it runs.
struct node_actors {
  /// The node's own journal first.
  std::vector<std::shared_ptr<hosted_journal>> journals;
  route_keeper_actor route_keeper;
  router_inside router;
  std::map<std::string, engine_inside> engines;
  exchange_actor exchange;
  executor_pool_inside pool;
  /// By number.
  std::vector<cache_shard_inside> cache_shards;
  front_inside front;
  mesh_inside mesh;
  replicas_inside replicas;
  weight_sync_inside weight_sync;
  gateway_inside gateway;
  key_keeper_inside keys;
  supervisor_inside supervisor;
};

/// What the actors of one node are made from.
struct node_parts {
  node_config config;
  std::uint64_t incarnation = 0;
  backend_services services;
  /// Null: routing looks at words alone.
  std::shared_ptr<embedding_client> embeddings;
  /// None: journals have one copy.
  std::shared_ptr<node_replication> replication;
  /// Of journals that are taken over; without the folder.
  storage::journal_options storage;
  /// When journals were made (Unix ms), as the book said at the start.
  std::map<std::uint64_t, std::uint64_t> births;
  front_start front;
  /// None: no network, so no other nodes.
  std::optional<tls_files> tls;
  /// Null: nothing is agreed on beyond this node.
  std::shared_ptr<etcd_client> etcd;
  /// That other nodes reach this one by.
  std::string host;
  std::shared_ptr<serving_weights> serving = std::make_shared<serving_weights>();
  /// How this node looks to others.
  std::shared_ptr<own_member> self;
  /// Where HTTP finds the gateway; null: the node has none.
  std::shared_ptr<gateway_box> gateway;
  /// Null where that is null.
  std::shared_ptr<key_office> keys;
  /// What is counted, for the gateway to show.
  std::shared_ptr<node_metrics> metrics = std::make_shared<node_metrics>();
  std::shared_ptr<metrics_history> history = std::make_shared<metrics_history>();
  std::shared_ptr<alarm_book> alarms = std::make_shared<alarm_book>();
  std::shared_ptr<storage::store_list> stores = std::make_shared<storage::store_list>();
  std::shared_ptr<engine_registry> registry = std::make_shared<engine_registry>();
  std::shared_ptr<node_actors> actors = std::make_shared<node_actors>();
};

/// What every actor of the node is made from, in the order in which they start. The one place where
/// a node's objects are put together.
[[nodiscard]] std::vector<child_spec> wire_node(const node_parts& parts,
                                                std::shared_ptr<storage::journal> store,
                                                const planner_start& start);

/// What the mesh gives to other nodes.
[[nodiscard]] peer_handles handles_of(const node_actors& actors);

/// After a restart of `listener`: others get the new handle, and it gets the members.
void tell_mesh(const node_actors& actors, const caf::actor& listener);

/// An engine of this node, also one that is added while it runs.
[[nodiscard]] child_spec engine_child(const node_parts& parts, const engine_config& engine);

/// Journal, archive and, with the role, planner of one journal; `suffix` tells them from those of
/// the node's own. `led`: with copies.
[[nodiscard]] std::vector<child_spec> journal_children(
    const node_parts& parts, std::shared_ptr<storage::journal> store, const planner_start& start,
    const std::string& suffix, std::optional<led_journal> led = std::nullopt);

}  // namespace tandem
