#pragma once

#include <cstdint>
#include <string>

#include "nodes/cli/style.hpp"
#include "schema/topology.capnp.h"

namespace tandem::cli {

/// Each node with its actors as a tree and its engines.
[[nodiscard]] std::string topology_text(schema::Topology::Reader topology, const style& how,
                                        std::uint64_t now_ms);
[[nodiscard]] std::string topology_json(schema::Topology::Reader topology);
/// A graph for Graphviz' `dot`.
[[nodiscard]] std::string topology_dot(schema::Topology::Reader topology);

}  // namespace tandem::cli
