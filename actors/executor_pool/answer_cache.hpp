#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/cache/cache_key.hpp"
#include "actors/cache/cache_memory.hpp"
#include "actors/cache/purge_rules.hpp"
#include "actors/cache/rendezvous.hpp"
#include "actors/cache_shard/cache_config.hpp"
#include "actors/cache_shard/cache_shard_actor.hpp"
#include "schema/types.hpp"

namespace tandem {

/// The pool's side of the caches: its own memory (L1), which shard keeps what, and plans whose job
/// has not ended yet. No clock: `now_ms` is Unix time.
class answer_cache {
 public:
  explicit answer_cache(cache_config config = {});

  [[nodiscard]] const cache_config& config() const { return config_; }
  /// Whether anything of this tier is kept.
  [[nodiscard]] bool keeps(std::string_view tier) const {
    return config_.find_tier(tier) != nullptr;
  }

  /// Empty: there is none that may be served.
  [[nodiscard]] tmsg::cachent find(const cache_key& key, schema::CacheScope::Reader scope,
                                   std::uint64_t now_ms);
  void put(const tmsg::cachent& entry, std::uint64_t now_ms);
  /// Takes it out, whatever tier it is of; empty: it is not here.
  [[nodiscard]] tmsg::cachent take(const cache_key& key);
  void purge(schema::CachePurge::Reader purge, std::uint64_t now_ms);

  struct shard {
    std::uint64_t incarnation = 0;
    std::string node;
    cache_shard_actor handle;
  };
  /// All shards of one node; none: it is gone.
  void set_shards(std::uint64_t incarnation, std::string_view node,
                  const std::vector<cache_shard_actor>& shards);
  /// Null: there is no shard anywhere. Valid until the next set_shards().
  [[nodiscard]] const shard* owner(const cache_key& key) const;
  /// Of the plans of one place.
  [[nodiscard]] const shard* owner(std::uint64_t place) const;
  [[nodiscard]] const std::vector<shard>& shards() const { return shards_; }

  /// A plan, until it is known how its job went; at most plans_waiting_max, the oldest leave.
  struct plan {
    tmsg::cachent entry;
    /// Of the near plan that it was; 0: it was written for its goal.
    std::uint64_t near_entry = 0;
  };
  void hold_plan(const cache_key& key, plan held);
  /// Without an entry: there is none.
  [[nodiscard]] plan take_plan(const cache_key& key);

  static constexpr std::size_t plans_waiting_max = 4096;

  /// For `tandem cache stats`: level 1 of one of tiers().
  void write_level(schema::CacheLevel::Builder out, std::string_view node,
                   std::string_view tier) const;
  [[nodiscard]] std::vector<std::string> tiers() const;
  /// What an answer of this memory would have cost.
  void saved(std::string_view tier, std::int64_t nanousd) { saved_[std::string{tier}] += nanousd; }

  /// What was asked, and served, by tier, tenant and model: `served_max` of them are told apart,
  /// those that come later are counted together.
  struct served_counts {
    std::uint64_t asked = 0;
    std::array<std::uint64_t, 3> hits{};
    std::int64_t saved_nanousd = 0;
  };
  [[nodiscard]] served_counts& served(std::string_view tier, std::string_view tenant,
                                      std::string_view model);
  [[nodiscard]] std::size_t served_rows() const { return served_.size(); }
  /// From `place` on; the place behind them.
  unsigned write_served(capnp::List<schema::CacheServed>::Builder out, unsigned place,
                        std::string_view node) const;
  static constexpr std::size_t served_max = 1'000;

 private:
  struct waiting_plan {
    plan held;
    std::list<cache_key>::iterator place;
  };

  cache_config config_;
  std::uint64_t damaged_ = 0;
  std::map<std::string, std::int64_t, std::less<>> saved_;
  std::map<std::string, std::unique_ptr<cache_memory>, std::less<>> memory_;
  using served_name = std::array<std::string, 3>;
  struct served_order {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      return std::lexicographical_compare(
          a.begin(), a.end(), b.begin(), b.end(),
          [](std::string_view x, std::string_view y) { return x < y; });
    }
  };
  std::map<served_name, served_counts, served_order> served_;
  purge_rules purged_;
  std::vector<shard> shards_;
  std::vector<shard_id> ids_;
  std::unordered_map<cache_key, waiting_plan> plans_;
  std::list<cache_key> plan_order_;
};

}  // namespace tandem
