#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/engine_actor.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "actors/supervisor/supervisor_actor.hpp"
#include "actors/supervisor/supervisor_config.hpp"
#include "schema/ids.hpp"

namespace tandem {

using supervisor_inside = supervisor_actor::extend<
    // From the node's main: answered when every actor has started, or with why one has not.
    caf::replies_to<start_atom>::with<caf::ok_atom>,
    // Where the node turned out to listen.
    caf::reacts_to<wire_atom, std::string>,
    // Stops the actors in reverse order, then itself.
    caf::reacts_to<stop_atom>,
    // To itself: restart this child now.
    caf::reacts_to<wake_atom, std::uint32_t>>;

/// One actor of the node: how it is started, and whom a new one has to be made known to.
struct child_spec {
  std::string name;
  std::string kind;
  /// A failure of it ends the node, cleanly: what it knows cannot be rebuilt beside those who rely
  /// on it.
  bool fatal = false;
  std::function<caf::actor(caf::actor_system&)> spawn;
  /// Called after a restart, not after the start.
  std::function<void()> announce;
};

struct node_description {
  std::string name;
  std::uint64_t incarnation = 0;
  journal_id journal;
  std::string address;
  std::string version;
  std::vector<std::string> roles;
};

struct supervisor_state {
  static constexpr const char* name = "supervisor";
  using pointer = supervisor_inside::stateful_pointer<supervisor_state>;

  struct child {
    child_spec spec;
    caf::actor handle;
    restart_policy restarts;
    std::string last_error;
  };

  supervisor_config config;
  node_description node;
  std::uint64_t started_at_ms = 0;
  std::vector<child> children;
  std::function<planner_actor()> planner;
  /// The first failure that ended the node, for whoever waits for the start.
  caf::error failed;
  bool stopping = false;

  void spawn_child(pointer self, child& of);
  void on_down(pointer self, const caf::down_msg& down);
  void stop_next(pointer self);
  void topology(pointer self, caf::typed_response_promise<tmsg::topo> promise);
  void confirm_start(pointer self, caf::typed_response_promise<caf::ok_atom> promise);
};

[[nodiscard]] supervisor_inside::behavior_type supervisor_behavior(
    supervisor_state::pointer self, const supervisor_config& config, node_description node,
    std::vector<child_spec> children, std::function<planner_actor()> planner);

}  // namespace tandem
