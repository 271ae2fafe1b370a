#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/bench/routing_fleet.hpp"

namespace tandem::bench {

/// Four routers, 20 decisions a second each, in turn.
inline constexpr std::size_t fleet_routers = 4;
inline constexpr std::size_t fleet_per_second = fleet_routers * 20;

struct kill_at {
  std::size_t second = 0;
  std::size_t router = 0;
};
/// Half a second after the last save: what was learned since is lost.
inline constexpr std::array<kill_at, 3> kills{{{10, 1}, {50, 2}, {51, 0}}};
inline constexpr std::size_t cut_router = 3;
inline constexpr std::size_t cut_from_second = 30;
inline constexpr std::size_t cut_to_second = 40;

/// Which router is killed before this decision of this second; fleet_routers: none.
[[nodiscard]] inline std::size_t killed_before(std::size_t second, std::size_t decision) {
  for (const auto& kill : kills)
    if (kill.second == second && decision == fleet_per_second / 2) return kill.router;
  return fleet_routers;
}

/// Three kills and a partition of ten seconds.
inline void disturb(fleet& f, std::size_t second, std::size_t decision, std::uint64_t now_ms) {
  if (auto router = killed_before(second, decision); router < fleet_routers)
    f.restart(router, now_ms);
  if (decision == 0 && second == cut_from_second) f.cut_off(cut_router);
  if (decision == 0 && second == cut_to_second) f.reconnect(cut_router);
}

}  // namespace tandem::bench
