#pragma once

#include "config/flags.hpp"
#include "nodes/node/node.hpp"

namespace tandem {

/// Exit codes of tandem-node.
enum class node_exit : int {
  ok = 0,
  /// It ran and could not go on: the log says why. Starting it again is safe.
  failed = 1,
  /// The command line or the config is wrong.
  usage = 2,
  /// It could not start: data folder, certificates, port, engines.
  not_started = 3,
};

/// Carries out a command line of tandem-node: runs the node until SIGTERM or SIGINT, or until it
/// cannot go on.
[[nodiscard]] node_exit run_node(const node_options& options,
                                 const node_environment& environment = {});

/// main() of a node program, the tests' own ones too.
[[nodiscard]] int node_main(int argc, char** argv, const node_environment& environment = {});

}  // namespace tandem
