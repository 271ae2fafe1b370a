#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/mesh/dial_plan.hpp"
#include "actors/mesh/dialer.hpp"
#include "actors/mesh/member_table.hpp"
#include "actors/mesh/mesh_actor.hpp"

namespace tandem {

using mesh_inside = mesh_actor::extend<
    // One more member_listener of this node: told of every member now, then of each change.
    caf::reacts_to<wire_atom, caf::actor>,
    // Other actors of this node than before: whoever is connected gets them, as a new session.
    caf::reacts_to<wire_atom, peer_handles>,
    // From the dialer: an address, the supervisor that answers there or null, why not.
    caf::reacts_to<done_atom, std::string, caf::actor, caf::error>,
    // From the dialer: a connection that it made to this address has ended.
    caf::reacts_to<gone_atom, std::string>,
    // To itself: something is due; only the timer set last counts.
    caf::reacts_to<wake_atom, std::uint64_t>>;

struct mesh_setup {
  cluster_config config;
  /// This node. While its address is empty it neither connects nor answers: `node_atom` brings it.
  tmsg::member own;
  /// All but `mesh`, which it fills in.
  peer_handles handles;
  std::vector<member_listener> listeners;
  dial_function dial;
  /// For pauses and for whom it gossips with.
  std::uint64_t random_seed = 1;
};

struct mesh_state {
  static constexpr const char* name = "mesh";
  using pointer = mesh_inside::stateful_pointer<mesh_state>;
  using clock = std::chrono::steady_clock;

  cluster_config config;
  std::optional<member_table> table;
  std::optional<dial_plan> plan;
  dial_function dial;
  peer_handles handles;
  std::vector<member_listener> listeners;
  /// Of those that there are sessions with.
  std::map<std::uint64_t, peer_handles> peers;
  std::minstd_rand random;
  clock::time_point next_pulse;
  clock::time_point next_gossip;
  clock::time_point wake_at = clock::time_point::max();
  std::uint64_t wake_number = 0;
  std::uint64_t pulses_sent = 0;
  std::uint64_t pulses_heard = 0;

  [[nodiscard]] bool is_ready() const;
  void run_due(pointer self);
  /// After anything: connects, and sets the timer.
  void settle(pointer self);
  void on_dialed(pointer self, const std::string& address, const caf::actor& supervisor,
                 const caf::error& why);
  void on_disconnected(pointer self, const std::string& address);
  void greet(pointer self, const std::string& address, const caf::actor& supervisor);
  void greet_again(pointer self);
  void failed(pointer self, const std::string& address, const caf::error& why);
  [[nodiscard]] caf::expected<std::uint64_t> meet(pointer self, const tmsg::hello& hello,
                                                  const peer_handles& theirs);
  void apply(pointer self, const member_changes& changes, const peer_handles& theirs = {});
  void broadcast(pointer self, const tmsg::memlist& news, std::uint64_t except);
  void leave(pointer self, const caf::error& reason);
};

/// Spawn it detached: its timing must not wait for other actors. Says good-bye to all members when
/// it is told to exit.
[[nodiscard]] mesh_inside::behavior_type mesh_behavior(mesh_state::pointer self, mesh_setup setup);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::mesh_setup)
