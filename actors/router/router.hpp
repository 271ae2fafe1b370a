#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/embedding/embedding_client.hpp"
#include "actors/router/route_table.hpp"
#include "actors/router/router_actor.hpp"
#include "schema/errc.hpp"

namespace tandem {

struct router_start {
  router_config config;
  std::vector<model_config> models;
  /// Under which what is learned here is published; of the store that keeps it, so that one that
  /// was lost is another origin.
  std::uint64_t origin = 0;
  /// Null: calls are told apart by their words.
  std::shared_ptr<embedding_client> embeddings;
  /// Keeps decision ids apart over restarts.
  std::uint64_t first_decision = 1;
  /// Of draws among engines, another for each router; 0: of equal ones the first.
  std::uint64_t draws = 0;
  /// Of the hashes of prompts; 0: a random one, which nobody outside knows.
  std::uint64_t hash_seed = 0;
};

/// A vector on its way from the client's thread.
struct embedding_slot {
  enum state : int { fresh, awaited, full };
  std::atomic<int> now{fresh};
  /// Written before it is full.
  embedding value;
};

struct waiting_call {
  std::shared_ptr<embedding_slot> slot;
  std::function<void(std::span<const float>)> decide;
};

/// Says `unavailable` when it goes without having been answered: whoever asked has no timeout.
template <class... Results>
struct promised {
  explicit promised(caf::typed_response_promise<Results...> p) : promise{std::move(p)} {}
  promised(const promised&) = delete;
  promised& operator=(const promised&) = delete;
  ~promised() {
    if (promise.pending()) promise.deliver(make_error(errc::unavailable, "the router has ended"));
  }
  caf::typed_response_promise<Results...> promise;
};

struct router_state {
  static constexpr const char* name = "router";

  using pointer = router_inside::stateful_pointer<router_state>;

  struct known_engine {
    engine_actor handle;
    tmsg::engstat status;
    bool remote = false;
    /// What the listener was told.
    std::uint32_t load_told = 0;
  };
  struct peer {
    std::string name;
    caf::actor router;
  };
  struct origin {
    std::uint64_t as_of_ms = 0;
    std::string node;
  };

  router_config config;
  std::uint64_t own_origin = 0;
  std::unique_ptr<route_table> table;
  std::map<std::string, known_engine, std::less<>> engines;
  /// Null: nobody wants to know.
  engine_listener listener;
  engine_warmer_actor warmer;

  // router_embedding.cpp: calls that wait for the embedding of their text.
  std::shared_ptr<embedding_client> embeddings;
  std::map<std::uint64_t, waiting_call> waiting;
  std::uint64_t next_waiting = 1;
  [[nodiscard]] caf::typed_response_promise<tmsg::decisn, engine_actor> route_later(
      pointer self, const tmsg::rtqry& query, const tmsg::attempt& attempt);
  [[nodiscard]] caf::typed_response_promise<tmsg::decisn> choose_way_later(
      pointer self, const tmsg::attempt& attempt);
  /// Calls `decide` once: with the embedding when there is one within its time, else with nothing;
  /// at once where none is to be waited for.
  void with_embedding(pointer self, schema::Attempt::Reader attempt,
                      std::function<void(std::span<const float>)> decide);
  void on_embedding(std::uint64_t call, bool arrived);
  /// Nothing is waited for any longer.
  void decide_all();

  // router_memory.cpp: what is kept, and what routers tell each other.
  route_keeper_actor keeper;
  /// Rewards wait until what was kept has been read.
  bool loading = false;
  std::vector<tmsg::reward> early_rewards;
  /// By incarnation.
  std::map<std::uint64_t, peer> peers;
  std::map<std::uint64_t, origin> origins;
  bool save_set = false;
  /// The newest of each arm of other origins, so that a node that comes hears of those that are
  /// away too; and the keys of those that are not saved yet.
  std::map<std::string, tmsg::armstat> others;
  std::set<std::string> unsaved;
  std::vector<tmsg::rtchg> unsaved_changes;
  /// Newest first.
  std::vector<tmsg::rtchg> changes;
  std::vector<std::string> set_aside;
  std::size_t lookups = 0;
  /// Time as decisions know it: of the wall clock at the start, and since then of one that does not
  /// jump.
  std::uint64_t started_at_ms = 0;
  std::chrono::steady_clock::time_point started;

  // router.cpp: engines.
  void take(pointer self, const tmsg::engstat& status, const engine_actor& engine, bool remote);
  void forget(pointer self, std::string_view name);
  void tell_load(pointer self, std::string_view name);

  [[nodiscard]] std::uint64_t now_ms() const;
  void on_reward(pointer self, const tmsg::reward& reward);
  void apply(pointer self, const tmsg::reward& reward);
  void on_change(pointer self, const tmsg::rtchg& change);

  void load(pointer self);
  void restore(pointer self, const storage::route_memory& memory);
  void set_save(pointer self);
  void save(pointer self);
  void on_statistics(pointer self, const tmsg::armstat& statistics);
  void on_change_elsewhere(pointer self, const tmsg::rtchg& change);
  /// Of the node that the present message came from.
  [[nodiscard]] std::string sender_name(pointer self) const;
  void on_member(pointer self, schema::Member::Reader member, const peer_handles& handles);
  void tell_everything(pointer self, const caf::actor& router);

  // router_report.cpp: `tandem route`.
  void command(pointer self, const tmsg::rtcmd& command,
               caf::typed_response_promise<tmsg::rtrep> promise);
  [[nodiscard]] tmsg::rtrep status_report() const;
};

/// Quits with `invalid_argument` on an unknown policy.
[[nodiscard]] router_inside::behavior_type router_behavior(
    router_inside::stateful_pointer<router_state> self, const router_start& start);

}  // namespace tandem
