#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/cache_shard/cache_shard.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"

namespace tandem::testing {

/// An engine whose answer says for whom, to what and by which weights it was made, so that an
/// answer that crosses any of them shows.
struct telling_engine {
  struct call {
    tmsg::attempt attempt;
    tmsg::decisn decision;
    std::string weights;
    caf::typed_response_promise<tmsg::attres> promise;
  };
  std::string weights = "1";
  /// Calls wait until release().
  bool holds = false;
  /// The next calls fail, are cut, or say something that no check takes.
  unsigned fails = 0;
  unsigned cuts = 0;
  unsigned wrong = 0;
  /// Plans are JSON with the goal's numbers, in order: the same for a goal in other words.
  bool plans = false;
  /// What the model of the tier `adapting` writes of a near plan. It has an engine where
  /// `cache.adapt` names that tier.
  std::function<std::string(const std::string& prompt)> adapts;
  std::uint64_t adapted = 0;
  std::vector<call> held;
  std::vector<std::string> cancelled;
  std::uint64_t calls = 0;
  /// By answer.
  std::map<std::string, std::uint64_t> calls_of;
};

using telling_engine_actor = engine_actor::extend<caf::reacts_to<wake_atom>>;

struct cached_wish {
  std::string prompt = "add 1 2";
  std::string tenant;
  std::string check;
  float temperature = 0;
  schema::CacheUse cache = schema::CacheUse::USE;
  schema::Purpose purpose = schema::Purpose::STEP;
  std::uint16_t tries = 0;
  /// The weights that its job began with.
  std::string pinned;
  std::string tier = {};
};

/// Several nodes, as far as caches have to do with them, under CAF's deterministic scheduler: each
/// with router, pool, one engine and one shard. Who knows of whom is the test's business.
class cache_cluster {
 public:
  explicit cache_cluster(std::size_t nodes, cache_config config = {});
  ~cache_cluster();

  struct node {
    std::string name;
    std::uint64_t incarnation = 0;
    router_actor router;
    executor_pool_inside pool;
    cache_shard_inside shard;
    telling_engine_actor engine_handle;
    telling_engine engine;
    std::uint64_t results = 0;
  };
  node& operator[](std::size_t i) { return *nodes_[i]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  /// `of` knows that `other` is there, or that it is gone.
  void introduce(std::size_t of, std::size_t other);
  void lose(std::size_t of, std::size_t other);
  void introduce_all();
  void kill_shard(std::size_t i);
  void restart_shard(std::size_t i);
  /// All engines.
  void roll(const std::string& weights);
  void set_weights(std::size_t i, const std::string& weights);
  void release(std::size_t i);

  /// Its number.
  std::uint32_t ask(std::size_t at, const cached_wish& what);
  void cancel(std::size_t at, std::uint32_t number);
  void run();
  void pass(std::chrono::milliseconds time);
  void purge(std::size_t at, const std::string& tenant);
  [[nodiscard]] tmsg::cachrpt stats(std::size_t at,
                                    schema::CacheAction action = schema::CacheAction::STATS);
  void fill(std::size_t at, const tmsg::cachent& entry);

  [[nodiscard]] bool answered(std::uint32_t number) const { return results_.count(number) != 0; }
  [[nodiscard]] const tmsg::attres& result(std::uint32_t number) const {
    return results_.at(number);
  }
  [[nodiscard]] std::string text_of(std::uint32_t number) const;
  [[nodiscard]] unsigned level_of(std::uint32_t number) const;
  [[nodiscard]] std::string reason_of(std::uint32_t number) const;
  [[nodiscard]] errc code_of_result(std::uint32_t number) const;
  [[nodiscard]] std::size_t asked() const { return next_ - 1; }
  [[nodiscard]] std::uint64_t calls() const;
  /// What the engine of `at` would say to it now.
  [[nodiscard]] std::string expected(std::size_t at, const cached_wish& what) const;
  [[nodiscard]] static std::string answer(std::string_view tenant, std::string_view prompt,
                                          std::string_view weights);

 private:
  void spawn_shard(node& of);
  [[nodiscard]] caf::scheduler::test_coordinator& scheduler();
  void tell(std::size_t of, std::size_t other, bool there);
  [[nodiscard]] static tmsg::attempt attempt(std::uint32_t number, const cached_wish& what);
  void publish(node& of);

  cache_config cache_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::map<std::uint32_t, tmsg::attres> results_;
  std::uint32_t next_ = 1;
};

[[nodiscard]] cache_config one_tier();

}  // namespace tandem::testing
