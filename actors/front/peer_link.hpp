#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/front/front_actor.hpp"

namespace tandem {

/// The requests of this node's front that are under way to one other node's: CAF never answers
/// those to a node that has died. It is one actor a peer so that all of it ends with the peer.
using peer_link_actor = planner_actor::extend<
    caf::replies_to<list_atom, std::uint64_t, tmsg::jobqry>::with<tmsg::joblist>,
    caf::replies_to<cost_atom, std::uint64_t, tmsg::costqry>::with<tmsg::costrep>,
    caf::replies_to<purge_atom, std::uint64_t, tmsg::purge>::with<tmsg::purged>,
    caf::replies_to<submit_atom, tmsg::keyqry>::with<tmsg::keyrep>,
    caf::replies_to<find_atom, tmsg::keyqry>::with<tmsg::keyrep>,
    // The peer is gone: everything under way is answered, and the actor ends.
    caf::reacts_to<gone_atom>>;

struct peer_link_state {
  static constexpr const char* name = "peer_link";

  /// `c (10.0.0.3:7420)`
  std::string peer;
  front_peer front;
  std::uint32_t requests_max = 0;
  std::uint64_t next = 1;
  std::uint64_t handled = 0;
  /// Says of a request under way that the node is gone.
  std::unordered_map<std::uint64_t, std::function<void()>> under_way;

  peer_link_state() = default;
  peer_link_state(const peer_link_state&) = delete;
  peer_link_state& operator=(const peer_link_state&) = delete;
  ~peer_link_state() { fail_all(); }
  void fail_all();
};

[[nodiscard]] peer_link_actor::behavior_type peer_link_behavior(
    peer_link_actor::stateful_pointer<peer_link_state> self, std::string peer, front_peer front,
    std::uint32_t requests_max);

}  // namespace tandem
