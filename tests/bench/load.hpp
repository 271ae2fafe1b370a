#pragma once

#include <cstdint>
#include <vector>

#include "actors/planner/planner_actor.hpp"
#include "schema/types.hpp"

namespace caf {
class actor_system;
}

namespace tandem::bench {

struct load_result {
  double seconds = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  /// From submit to the end, of each job.
  std::vector<double> latencies;
};

/// Keeps `in_flight` jobs going until `jobs` have ended: each is submitted, acknowledged and waited
/// for.
[[nodiscard]] load_result run_load(caf::actor_system& system, const planner_actor& planner,
                                   const std::vector<tmsg::submit>& goals, std::uint64_t jobs,
                                   std::uint32_t in_flight);

}  // namespace tandem::bench
