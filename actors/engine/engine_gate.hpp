#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "actors/engine/breaker.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/weight_change.hpp"
#include "schema/engine.capnp.h"
#include "schema/errc.hpp"

namespace tandem {

/// Whether an engine takes requests now, and why not: what its server's probes say, back-pressure
/// (429, 503 with Retry-After), its breaker, whether its weights are being changed, whether it is
/// warmed first, and whether it drains. What is said first of these is: drained by hand, weights,
/// probes, warming, back-pressure, breaker. No clock: time is an argument.
class engine_gate {
 public:
  using clock = std::chrono::steady_clock;

  /// Why a request is not sent; `unknown`: it may be, and on_result() is owed for it.
  struct verdict {
    errc code = errc::unknown;
    std::string why;
    std::chrono::milliseconds retry_after{0};
    /// The breaker's: which trial the request is.
    std::uint64_t trial = 0;
  };
  /// A change of health, for those who ask why.
  struct change {
    std::uint64_t at_ms = 0;
    schema::Health health = schema::Health::UNKNOWN;
    std::string reason;
  };
  static constexpr std::size_t changes_max = 16;

  engine_gate() = default;
  engine_gate(std::string name, const breaker_config& config);

  /// `holds_version`: the request is of a job that holds the present weights.
  [[nodiscard]] verdict admit(clock::time_point now, bool holds_version = false);
  /// The same without letting one in.
  [[nodiscard]] verdict look(clock::time_point now, bool holds_version = false) const;
  /// The same for a request that warms it.
  [[nodiscard]] verdict look_warm(clock::time_point now) const;
  /// What the server's own probes say.
  void on_health(schema::Health health, std::string reason);
  /// While it drains it takes nothing; what it has is finished.
  void drain(bool draining) { draining_ = draining; }
  /// While it is warmed it takes only what warms it; its health is `starting`.
  void warm(bool warming) { warming_ = warming; }
  [[nodiscard]] bool is_warming() const { return warming_; }
  /// What a change of weights lets through, and why not more.
  void on_weights(weight_change::admission admits, std::string reason);
  [[nodiscard]] bool is_held() const { return weights_ == weight_change::admission::held; }
  /// How a request that was admitted ended; `trial` as its verdict said.
  void on_result(errc code, const std::string& error, std::chrono::milliseconds retry_after,
                 clock::time_point now, std::uint64_t trial);

  [[nodiscard]] schema::Health health(clock::time_point now) const;
  [[nodiscard]] std::string reason(clock::time_point now) const;
  /// When health changes by itself; nothing: it does not.
  [[nodiscard]] std::optional<clock::time_point> next_change(clock::time_point now) const;
  /// Notes the present health where it differs from the last one noted; false: it does not. While
  /// weights are changed, only their latest reason is kept.
  bool note(clock::time_point now, std::uint64_t unix_ms);

  [[nodiscard]] const tandem::breaker& breaker() const { return breaker_; }
  [[nodiscard]] clock::time_point busy_until() const { return busy_until_; }
  [[nodiscard]] const std::deque<change>& changes() const { return changes_; }
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }

 private:
  std::string name_;
  tandem::breaker breaker_;
  schema::Health probed_ = schema::Health::HEALTHY;
  std::string probed_reason_;
  [[nodiscard]] verdict look(clock::time_point now, bool holds_version, bool warms) const;

  bool draining_ = false;
  bool warming_ = false;
  weight_change::admission weights_ = weight_change::admission::open;
  std::string weights_reason_;
  std::string last_failure_;
  clock::time_point busy_until_;
  std::string busy_reason_;
  std::uint32_t busy_in_a_row_ = 0;
  std::uint64_t refusals_ = 0;
  std::deque<change> changes_;
};

}  // namespace tandem
