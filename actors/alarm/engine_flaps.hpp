#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "schema/engine.capnp.h"
#include "schema/topology.capnp.h"

namespace tandem {

/// How often engines went from healthy to unhealthy and back within ten minutes. What is due to us
/// (draining, updating, busy) does not count. Bounded: `flaps_max` times of each engine that is
/// there.
class engine_flaps {
 public:
  static constexpr std::uint64_t window_ms = 600'000;
  static constexpr std::size_t flaps_max = 16'384;

  /// Engines of the node that are no longer there are forgotten.
  void look(schema::NodeStatus::Reader node, std::uint64_t now_ms);
  [[nodiscard]] std::size_t count(std::string_view engine) const;

 private:
  struct record {
    std::deque<std::uint64_t> times;
    std::uint64_t newest_ms = 0;
    bool was_healthy = true;
    bool seen = false;
  };

  void look(record& of, schema::EngineStatus::Reader engine, std::uint64_t now_ms);

  std::map<std::string, record, std::less<>> engines_;
};

}  // namespace tandem
