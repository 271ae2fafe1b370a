#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <caf/replies_to.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/managed/scale_rule.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "config/node_config.hpp"
#include "nodes/node/engine_registry.hpp"

namespace tandem {

/// What the supervisor is to this actor: see supervisor_inside.
using child_host = caf::typed_actor<caf::replies_to<add_atom, child_spec>::with<caf::ok_atom>,
                                    caf::replies_to<remove_atom, std::string>::with<caf::ok_atom>>;

/// Adds, drains and removes engines of this node while it runs.
using engine_admin_actor = caf::typed_actor<
    // Answered once it is done and will be so after a restart too. `invalid_argument` with all that
    // is wrong with the engine's config; `not_found` names the engines; `conflict`: the name is
    // taken, or another command about it is under way.
    caf::replies_to<engine_atom, tmsg::engcmd>::with<tmsg::engrep>,
    caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// What only it itself says to it.
using engine_admin_inside = engine_admin_actor::extend<
    // It is time to look at the engines that are scaled.
    caf::reacts_to<wake_atom>>;

using engine_factory = std::function<child_spec(const engine_config&)>;

struct engine_admin_parts {
  node_config config;
  std::shared_ptr<engine_registry> engines;
  engine_factory make_child;
  /// Asked when a command comes.
  std::function<child_host()> host;
};

/// An engine with `[engine.scale]`, and its copies.
struct scaled_engine {
  using time_point = scale_rule::time_point;

  struct copy {
    std::string name;
    /// When it last served, or was begun.
    time_point fine;
    bool serves = false;
  };

  scale_rule rule;
  /// Of others of that name, before it.
  std::uint64_t number = 0;
  std::vector<copy> copies;
  /// Being gathered from `asked` more of them, in this round.
  scale_facts facts;
  std::size_t asked = 0;
  std::uint64_t round = 0;
  struct queue {
    std::string engine;
    std::string weight_version;
    std::uint64_t queued = 0;
    bool has_room = false;
  };
  /// Of those that serve.
  std::vector<queue> queues;
  /// A copy that was given up, and what it said last; empty: there is none.
  std::string failed;
  std::string failed_why;
  /// Copies being started, and stopped.
  bool is_growing = false;
  std::string leaving;
  /// None is started before, since one has failed; doubled by each that does.
  time_point not_before{};
  std::uint32_t failures = 0;
};

/// Spawn it detached: it writes `engines_file`.
struct engine_admin_state {
  static constexpr const char* name = "engine_admin";
  using pointer = engine_admin_inside::stateful_pointer<engine_admin_state>;
  using promise = caf::typed_response_promise<tmsg::engrep>;

  engine_admin_parts parts;
  /// As they are now.
  std::vector<engine_config> engines;
  engine_changes changes;
  /// Being added or removed.
  std::set<std::string> busy;
  std::uint64_t handled = 0;
  /// By the name of the first of each.
  std::map<std::string, scaled_engine> scaled;
  /// Of all of them.
  std::set<std::string> copies;
  bool is_looking = false;
  std::uint64_t rounds = 0;

  void add(pointer self, schema::EngineCommand::Reader command, promise promise);
  void started(pointer self, const engine_config& engine, promise promise);
  caf::result<tmsg::engrep> drain(pointer self, const std::string& engine, bool is_drained);
  void remove(pointer self, const std::string& engine, std::chrono::milliseconds deadline,
              promise promise);
  void stop(pointer self, const std::string& engine, promise promise);
  /// Asks the engine for its status and answers with that.
  void report(pointer self, const std::string& engine, promise promise);
  /// Nothing when `engine` can be worked on.
  [[nodiscard]] caf::error check(const std::string& engine) const;
  /// Of copies nothing is written down: they are gone after the next start.
  [[nodiscard]] caf::error save(const engine_changes& wanted, const std::string& engine);

  // engine_scale.cpp
  void look_at_scale(pointer self);
  /// `status` null: it did not answer.
  void note_scale(pointer self, const std::string& first, std::uint64_t round,
                  const std::string& engine, const tmsg::engstat* status);
  void change_scale(pointer self, const std::string& first);
  void share_queues(const scaled_engine& group);
  void add_copy(pointer self, const std::string& first);
  void remove_copy(pointer self, const std::string& first);
  /// Its copies go with it.
  void forget_scale(pointer self, const std::string& engine);
};

[[nodiscard]] engine_admin_inside::behavior_type engine_admin_behavior(
    engine_admin_state::pointer self, engine_admin_parts parts);

/// An engine that `engines` knows of, as long as it runs.
[[nodiscard]] child_spec registered_engine(const engine_config& engine,
                                           const std::shared_ptr<engine_registry>& engines,
                                           const engine_factory& make_child);

/// Says in the log what differs from the config file, and tells `engines` which are drained.
void announce_engine_changes(const node_config& config, engine_registry& engines);

}  // namespace tandem
