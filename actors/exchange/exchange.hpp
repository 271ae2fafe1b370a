#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/attempt_port.hpp"
#include "actors/exchange/credit_ledger.hpp"
#include "actors/exchange/exchange_actor.hpp"
#include "actors/exchange/exchange_config.hpp"
#include "actors/exchange/peer_window.hpp"
#include "actors/exchange/piece_assembly.hpp"
#include "actors/fence.hpp"

namespace tandem {

struct exchange_state {
  static constexpr const char* name = "exchange";
  using pointer = exchange_actor::stateful_pointer<exchange_state>;
  using clock = std::chrono::steady_clock;

  /// An attempt of this node at another's engine.
  struct task {
    std::uint64_t peer = 0;
    tmsg::attempt attempt;
    tmsg::decisn decision;
    chunk_sink sink;
    caf::typed_response_promise<tmsg::attres> promise;
    /// Chunks have gone to the sink.
    bool begun = false;
    bool cancelled = false;
  };

  /// An attempt of another node at an engine of this one.
  struct guest {
    tmsg::attempt attempt;
    tmsg::decisn decision;
    std::string engine;
    engine_actor handle;
    bool stream = false;
  };

  /// One message to a peer that waits for room, with its header's id.
  struct parcel {
    enum class kind : std::uint8_t { work, chunk, result };
    kind what = kind::work;
    std::uint64_t id = 0;
    std::string engine;
    tmsg::decisn decision;
    tmsg::attempt attempt;
    tmsg::chunk chunk;
    tmsg::attres result;
    /// How much of its payload has gone as pieces.
    std::size_t gone = 0;

    [[nodiscard]] std::span<const std::byte> payload() const;
    [[nodiscard]] std::uint64_t bytes() const;
  };

  struct peer {
    std::string name;
    std::uint64_t incarnation = 0;
    exchange_peer handle;
    /// Alive and not draining: takes new work.
    bool takes = true;
    peer_window window;
    piece_assembly pieces;
    std::deque<parcel> line;
    std::unordered_set<std::uint64_t> tasks;
    std::unordered_map<std::uint64_t, guest> guests;
    /// Of all guests' attempts.
    std::uint64_t guest_bytes = 0;
    /// The newest offer of each side.
    tmsg::offer offered;
    std::uint64_t heard = 0;
    std::uint64_t offers = 0;
    bool offer_due = true;
    /// `name@node` of what the router knows of it, as it was told.
    std::map<std::string, tmsg::engstat> told;
  };

  struct local_engine {
    tmsg::engstat status;
    engine_actor handle;
  };

  exchange_config config;
  router_inside router;
  /// Null: nobody.
  engine_warmer_actor warmer;
  std::map<std::string, local_engine, std::less<>> engines;
  /// By incarnation.
  std::unordered_map<std::uint64_t, peer> peers;
  std::unordered_map<std::uint64_t, task> tasks;
  std::unordered_multimap<fence_key, std::uint64_t> task_ids;
  std::uint64_t next_id = 1;
  /// Engines at work for guests: their nodes and ids, by the number of the call.
  attempt_port port;
  std::unordered_map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> guest_calls;
  std::uint64_t next_guest_call = 1;
  /// Which guest streams under a fence: its node and id.
  std::unordered_map<fence_key, std::pair<std::uint64_t, std::uint64_t>> streams;
  std::deque<std::pair<clock::time_point, std::uint64_t>> given_up;
  bool expire_set = false;
  credit_ledger ledger;
  bool offers_set = false;
  clock::time_point offers_at;
  std::uint64_t handled = 0;
  /// Messages of unknown or former peers, or that make no sense.
  std::uint64_t dropped = 0;

  exchange_state() = default;
  exchange_state(const exchange_state&) = delete;
  exchange_state& operator=(const exchange_state&) = delete;
  /// CAF does not answer for a promise that dies with its actor: whoever waits is told here.
  ~exchange_state();

  // exchange.cpp: who is there, and what the router is told of it.
  void on_member(pointer self, schema::Member::Reader member, const peer_handles& handles);
  void lose(pointer self, std::uint64_t incarnation, std::string_view why);
  void register_engines(pointer self, peer& of);
  void wire(pointer self);
  [[nodiscard]] std::string why_not(schema::EngineStatus::Reader status) const;
  [[nodiscard]] tmsg::offer list() const;
  [[nodiscard]] tmsg::engrep report(std::string_view engine) const;

  // exchange_origin.cpp: attempts of this node elsewhere.
  void take(pointer self, task next);
  void cancel(pointer self, const tmsg::cancel& request);
  void expire(pointer self);
  void set_expire(pointer self);
  void answer(std::uint64_t id, tmsg::attres result);
  void on_offer(pointer self, peer& from, const tmsg::offer& offer);
  void on_chunk(pointer self, peer& from, std::uint64_t id, const tmsg::chunk& chunk);
  void on_result(peer& from, std::uint64_t id, const tmsg::attres& result);
  /// Its payload has not come whole.
  void on_no_result(peer& from, std::uint64_t id);

  // exchange_owner.cpp: attempts of others here.
  void on_engine(pointer self, const tmsg::engstat& status, const engine_actor& engine);
  void on_engine_gone(pointer self, std::string_view engine);
  void set_offers(pointer self);
  void send_offers(pointer self);
  [[nodiscard]] tmsg::offer make_offer(peer& to);
  void on_work(pointer self, peer& from, std::uint64_t id, std::string_view engine,
               const tmsg::decisn& decision, const tmsg::attempt& attempt);
  /// A small result, whatever else waits: somebody counts on it.
  void hold(peer& to, parcel what);
  void on_guest_chunk(pointer self, const tmsg::chunk& chunk);
  /// Its payload has not come whole: it is answered without one.
  void on_no_work(pointer self, peer& from, std::uint64_t id);
  void on_guest_reply(pointer self, std::uint64_t call, const tmsg::attres& result);
  /// Its engine has ended.
  void on_no_guest_reply(pointer self, std::uint64_t call, const caf::error& err);
  void on_guest_result(pointer self, std::uint64_t from, std::uint64_t id,
                       const tmsg::attres& result);
  void on_cancel(pointer self, peer& from, std::uint64_t id, std::string_view reason);

  // exchange_wire.cpp: bytes to and from one peer.
  /// The peer that has this incarnation and sent the present message; null: stale, to be dropped.
  [[nodiscard]] peer* sender(pointer self, std::uint64_t incarnation);
  /// Counts what came, and makes room at the other side.
  void received(pointer self, peer& from, std::uint64_t bytes);
  /// At once or when there is room; false: as much waits as may.
  [[nodiscard]] bool post(pointer self, peer& to, parcel what);
  /// Whatever there is room for.
  void pump(pointer self, peer& to);
  /// False: no room for (the rest of) it now.
  [[nodiscard]] bool send(pointer self, peer& to, parcel& what);
  void on_receipt(pointer self, peer& from, std::uint64_t bytes);
  void on_piece(pointer self, peer& from, schema::Piece::Reader piece);
  /// The payload that came in pieces before this header; none: there is nothing sound.
  template <class T>
  [[nodiscard]] caf::expected<message<T>> assembled(peer& from, std::uint64_t id) {
    auto bytes = from.pieces.take(id);
    if (!bytes) return make_error(errc::malformed_message, "its payload has not come before it");
    return message<T>::parse(*bytes, payload_limits);
  }
};

/// A reply without a call, in the name of the decision's engine.
[[nodiscard]] tmsg::attres no_call(const tmsg::attempt& attempt, const tmsg::decisn& decision,
                                   errc code, std::string_view message, bool begun = false);

/// What a message with this payload counts as in windows.
[[nodiscard]] inline std::uint64_t counted(std::size_t payload) {
  return peer_window::overhead_bytes + payload;
}

/// Makes itself known to the router, and hears of engines from it; of other nodes from the mesh.
[[nodiscard]] exchange_actor::behavior_type exchange_behavior(exchange_state::pointer self,
                                                              exchange_config config,
                                                              router_inside router);

}  // namespace tandem
