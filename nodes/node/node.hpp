#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/planner/planner_actor.hpp"
#include "actors/supervisor/supervisor_actor.hpp"
#include "config/node_config.hpp"
#include "schema/ids.hpp"

namespace caf {
class actor_system;
}

namespace rocksdb {
class FileSystem;
}

namespace tandem {

/// What tests put in place of the real world.
struct node_environment {
  /// Below the journal; nothing: the default one.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  /// False: nothing is published and no certificates are made; for benches within one process.
  bool network = true;
};

/// One node of the cluster: its journal, its actor system and its supervisor.
class node {
 public:
  /// Ready to take jobs when it returns. The error says what keeps it from starting and how to mend
  /// it; nothing is left behind. `config` is resolved and valid.
  [[nodiscard]] static caf::expected<std::unique_ptr<node>> start(
      const node_config& config, const node_environment& environment = {});
  ~node();

  /// Where it listens, with the port that it got.
  [[nodiscard]] const std::string& address() const;
  /// URL of its gateway; empty: it has none.
  [[nodiscard]] const std::string& http() const;
  [[nodiscard]] journal_id journal() const;
  [[nodiscard]] caf::actor_system& system();
  [[nodiscard]] supervisor_actor supervisor() const;
  /// Null without the role.
  [[nodiscard]] planner_actor planner() const;

  /// Readable once the supervisor has stopped by itself: the node cannot go on.
  [[nodiscard]] int stopped_fd() const;
  /// Stops the actors in reverse order and closes the journal; returns why it had stopped by
  /// itself, if it had.
  caf::error stop();
  /// Renews the node's certificates when they are due.
  [[nodiscard]] caf::error renew_certificates() const;

 private:
  struct state;
  explicit node(std::unique_ptr<state> state);
  std::unique_ptr<state> state_;
};

/// The readiness line on standard output, which scripts and tests wait for.
[[nodiscard]] std::string readiness_line(const node_config& config, const node& running);

}  // namespace tandem
