#pragma once

#include <map>
#include <set>
#include <string>

#include "schema/topology.capnp.h"
#include "schema/weights.capnp.h"

namespace tandem {

/// Weight versions that engines of the cluster serve now, by model. Engines that take no work
/// (down, starting, updating) and those without a version do not count.
[[nodiscard]] std::map<std::string, std::set<std::string>> served_versions(
    schema::Topology::Reader topology);

/// How the latest update of a model stands.
struct roll_view {
  std::string version;
  bool active = false;
  /// It was rolled back, or left engines gated.
  bool failed = false;
  bool gated = false;
  std::string reason;
  std::uint64_t began_at_ms = 0;
};

[[nodiscard]] std::map<std::string, roll_view> last_rolls(schema::WeightReport::Reader weights);

}  // namespace tandem
