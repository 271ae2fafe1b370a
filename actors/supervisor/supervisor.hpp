#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/engine_actor.hpp"
#include "actors/mesh/mesh_actor.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "actors/supervisor/supervisor_actor.hpp"
#include "actors/supervisor/supervisor_config.hpp"
#include "schema/ids.hpp"

namespace tandem {

class alarm_book;

/// One actor of the node: how it is started, and whom a new one has to be made known to.
struct child_spec {
  std::string name;
  std::string kind;
  /// A failure of it ends the node, cleanly: what it knows cannot be rebuilt beside those who rely
  /// on it.
  bool fatal = false;
  restart_rule restart = restart_rule::permanent;
  std::function<caf::actor(caf::actor_system&)> spawn;
  /// Called after a restart, not after the start.
  std::function<void()> announce;
  /// Answers `drain_atom` when it has come to rest, and takes nothing new until then.
  bool drains = false;
};

using supervisor_inside = supervisor_actor::extend<
    // From the node's main: answered when every actor has started, or with why one has not.
    caf::replies_to<start_atom>::with<caf::ok_atom>,
    // Where the node turned out to listen.
    caf::reacts_to<wire_atom, std::string>,
    // The same, and the URL of its gateway.
    caf::reacts_to<wire_atom, std::string, std::string>,
    // Stops the actors in reverse order, then itself.
    caf::reacts_to<stop_atom>,
    // To itself: restart this child now.
    caf::reacts_to<wake_atom, std::uint32_t>,
    // Starts one more child, after all others; answered when it reports its status. `conflict`:
    // there is one of that name.
    caf::replies_to<add_atom, child_spec>::with<caf::ok_atom>,
    // Stops a child for good; answered when it has ended. `not_found`.
    caf::replies_to<remove_atom, std::string>::with<caf::ok_atom>,
    // From the mesh: see member_listener.
    caf::reacts_to<member_atom, tmsg::member, peer_handles>>;

/// What children that drain answer: at rest.
using draining_actor = caf::typed_actor<caf::replies_to<drain_atom>::with<caf::ok_atom>>;

struct node_description {
  std::string name;
  std::uint64_t incarnation = 0;
  journal_id journal;
  std::string address;
  /// URL of its gateway; empty: it has none.
  std::string http{};
  std::string version;
  std::vector<std::string> roles;
};

/// What the supervisor hands out, as it is now; null: the node has none, or it is being restarted.
struct node_services {
  std::function<planner_actor()> planner;
  std::function<mesh_actor()> mesh;
  /// Tells whoever has to know that this node takes no new jobs from now on.
  std::function<void()> on_drain;
  /// What the node says is wrong with it; null: nothing.
  std::shared_ptr<const alarm_book> alarms;
};

struct supervisor_state {
  static constexpr const char* name = "supervisor";
  using pointer = supervisor_inside::stateful_pointer<supervisor_state>;
  using ok_promise = caf::typed_response_promise<caf::ok_atom>;

  struct child {
    std::uint32_t id = 0;
    child_spec spec;
    caf::actor handle;
    restart_policy restarts;
    std::string last_error;
    /// Being added: whoever waits for its first status. If it dies before, it was never there.
    ok_promise added;
    /// Being removed; they are told when it has ended.
    bool removed = false;
    std::vector<ok_promise> removals;
  };

  /// Another node, as the mesh tells of it.
  struct other_node {
    tmsg::member member;
    supervisor_actor supervisor;
  };

  supervisor_config config;
  node_description node;
  std::uint64_t started_at_ms = 0;
  /// In the order of their start. References stay valid while others are added.
  std::deque<child> children;
  std::uint32_t next_child = 0;
  std::map<std::uint64_t, other_node> others;
  node_services services;
  /// The first failure that ended the node, for whoever waits for the start.
  caf::error failed;
  bool stopping = false;
  bool draining = false;

  // supervisor.cpp: lives of the children.
  void spawn_child(pointer self, child& of);
  void on_down(pointer self, const caf::down_msg& down);
  void stop_next(pointer self);
  void erase_child(std::uint32_t id);
  child& add_child(child_spec spec);
  void escalate(pointer self, const child& of, const caf::error& reason);
  [[nodiscard]] child* find_child(std::string_view name_of_child);
  void confirm(pointer self, const child& of, const std::function<void(caf::error)>& done);
  void confirm_start(pointer self, ok_promise promise);
  void on_member(const tmsg::member& member, const peer_handles& handles);
  /// `not_found` names the nodes; `unavailable`: it is known, and does not answer.
  [[nodiscard]] caf::expected<supervisor_actor> find_node(std::string_view wanted) const;

  // node_report.cpp: what runs where.
  void report(pointer self, const std::function<void(tmsg::nodstat)>& done);
  void topology(pointer self, caf::typed_response_promise<tmsg::topo> promise);

  // drain.cpp
  caf::result<caf::ok_atom> drain(pointer self, const tmsg::drainqry& query);
  void drain_children(pointer self, bool planners);
};

[[nodiscard]] supervisor_inside::behavior_type supervisor_behavior(supervisor_state::pointer self,
                                                                   const supervisor_config& config,
                                                                   node_description node,
                                                                   std::vector<child_spec> children,
                                                                   node_services services);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::child_spec)
