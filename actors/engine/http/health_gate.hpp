#pragma once

#include <algorithm>
#include <cstdint>

#include "schema/engine.capnp.h"

namespace tandem {

/// One look at a server.
enum class probe_verdict {
  good,
  /// It says that it is loading its model.
  loading,
  /// No answer, or a wrong one: may be chance.
  bad,
  /// It answers, and not with what is needed: no chance about it.
  unfit,
};

/// From probes to health, with hysteresis: one good probe after a start, `rise` after an illness,
/// `fall` bad ones until it is ill.
class health_gate {
 public:
  health_gate(std::uint32_t rise, std::uint32_t fall)
      : rise_{std::max(rise, 1u)}, fall_{std::max(fall, 1u)} {}

  [[nodiscard]] schema::Health health() const { return health_; }

  schema::Health take(probe_verdict verdict) {
    if (verdict == probe_verdict::good) {
      bad_ = 0;
      ++good_;
      if (health_ == schema::Health::STARTING || good_ >= rise_) health_ = schema::Health::HEALTHY;
      return health_;
    }
    good_ = 0;
    if (verdict == probe_verdict::loading) {
      bad_ = 0;
      health_ = schema::Health::STARTING;
    } else if (verdict == probe_verdict::unfit || ++bad_ >= fall_) {
      health_ = schema::Health::UNHEALTHY;
    }
    return health_;
  }

 private:
  std::uint32_t rise_;
  std::uint32_t fall_;
  std::uint32_t good_ = 0;
  std::uint32_t bad_ = 0;
  schema::Health health_ = schema::Health::STARTING;
};

}  // namespace tandem
