#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/cache/cache_memory.hpp"
#include "actors/cache/early_refresh.hpp"
#include "actors/cache/flight_table.hpp"
#include "actors/cache/purge_rules.hpp"
#include "actors/cache_shard/cache_config.hpp"
#include "actors/cache_shard/cache_shard_actor.hpp"
#include "actors/cache_shard/miss_notes.hpp"
#include "actors/cache_shard/near_plans.hpp"
#include "actors/mesh/mesh_actor.hpp"
#include "storage/cache_store.hpp"

namespace tandem {

using cache_shard_inside = cache_shard_actor::extend_with<member_listener>::extend<
    // This node's pool is there, or was started anew.
    caf::reacts_to<wire_atom, cache_asker>,
    // To itself: some asker's time is up; entries are to be warmed or looked after.
    caf::reacts_to<expire_atom>, caf::reacts_to<wake_atom>>;

struct cache_shard_start {
  cache_config config;
  /// Of this node.
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint32_t number = 0;
  /// Null: memory alone, and why.
  std::shared_ptr<storage::cache_store> store;
  std::string why_no_store;
  std::uint64_t seed = 0;
};

/// Detached: it reads from the disk itself.
struct cache_shard_state {
  static constexpr const char* name = "cache_shard";
  using pointer = cache_shard_inside::stateful_pointer<cache_shard_state>;

  struct tier {
    cache_tier_config config;
    std::unique_ptr<cache_memory> memory;
    /// Of `semantic_lru`, where near plans are allowed.
    std::unique_ptr<near_plans> near;
    /// Keys to be read from the disk, hottest last.
    std::vector<cache_key> cold;
    std::uint64_t damaged = 0;
    std::uint64_t purged = 0;
    std::uint64_t too_large = 0;
    std::uint64_t waits = 0;
    std::uint64_t disk_hits = 0;
    std::uint64_t disk_misses = 0;
    std::int64_t saved_nanousd = 0;
  };

  cache_shard_start start;
  std::map<std::string, tier, std::less<>> tiers;
  purge_rules purged{0};
  flight_table flights;
  early_refresh refreshing;
  miss_notes notes;
  /// Who waits, or leads: where to reach it.
  std::map<flight_waiter, cache_asker> askers;
  cache_asker pool;
  struct peer {
    std::string node;
    std::vector<cache_shard_actor> shards;
  };
  std::map<std::uint64_t, peer> peers;
  std::mt19937_64 random;
  std::uint64_t handled = 0;
  std::uint64_t expire_at = UINT64_MAX;

  void on_query(pointer self, const tmsg::cachqry& query, const cache_asker& asker);
  void on_fill(pointer self, const tmsg::cachent& entry);
  void on_leave(pointer self, const tmsg::cachlv& leave, const cache_asker& asker);
  void on_purge(pointer self, const tmsg::cachprg& purge);
  void on_member(pointer self, schema::Member::Reader member, const peer_handles& handles);
  [[nodiscard]] tmsg::cachrpt on_command(pointer self, const tmsg::cachcmd& command);

  struct found_entry {
    tmsg::cachent entry;
    std::uint8_t level = 0;
    bool refresh = false;
  };
  /// Empty: there is nothing that may be served.
  /// Not `served`: it is only compared with, which is no use of it.
  [[nodiscard]] found_entry find(tier& in, schema::CacheScope::Reader scope, const cache_key& key,
                                 std::uint64_t now_ms, bool served = true);
  /// What is there, once it has been looked at; otherwise it is dropped, and noted why.
  [[nodiscard]] bool is_sound(tier& in, schema::CacheEntry::Reader entry, const cache_key& key,
                              schema::CacheScope::Reader scope);
  /// False: nothing near; or something to compare with, which is written into `reply`.
  [[nodiscard]] bool serve_near(pointer self, tier& in, schema::CacheQuery::Reader query,
                                const cache_asker& asker, schema::CacheReply::Builder reply,
                                std::uint64_t now_ms);
  void promote(pointer self, const flight_promotion& next);
  void tell_stop(pointer self, flight_waiter leader);
  void apply(pointer self, const flight_changes& changes);
  void set_expire(pointer self);
  /// Reads some of the hottest keys of the last run; true: there are more.
  [[nodiscard]] bool warm_some(std::uint64_t now_ms);
  void look_after(pointer self);
  void save_hot();
  [[nodiscard]] tmsg::cachrpt report();
};

[[nodiscard]] cache_shard_inside::behavior_type cache_shard_behavior(
    cache_shard_state::pointer self, cache_shard_start start);

}  // namespace tandem
