#pragma once

#include <optional>
#include <vector>

namespace tandem {

/// What one pool of a fleet takes: whole engines, or a price for each call.
struct fleet_term {
  /// Calls of this pool a request; without any the pool is not there at all, spares included.
  double calls = 0;
  /// Calls a second that one engine takes in a busy minute, utilisation included; 0: no engines.
  double engine_rate = 0;
  double engine_usd_year = 0;
  double spares = 0;
  /// US dollars a year for one call a second, where calls are paid one by one.
  double call_usd_year = 0;
};

/// What a year costs with the baseline's fleet and with the other one, by requests a second.
struct two_fleets {
  std::vector<fleet_term> baseline;
  std::vector<fleet_term> other;
  /// Of the other fleet, whatever it serves.
  double running_usd_year = 0;
  /// A busy minute's requests for each of the mean.
  double peak = 1;

  /// Whole engines of a pool at `qps`.
  [[nodiscard]] double engines(const fleet_term& pool, double qps) const;
  [[nodiscard]] double yearly_usd(const std::vector<fleet_term>& fleet, double qps) const;
  /// Baseline less other less running cost; it moves in steps.
  [[nodiscard]] double saving(double qps) const;
};

/// From where on the saving is never negative again.
struct break_even_point {
  double qps = 0;
  /// Whether the saving is not negative at `qps` itself; else only above it.
  bool is_attained = true;
};

/// Exact: the saving is linear between the rates at which an engine is added, so the last negative
/// stretch is found by walking these from where a bound says that there is none above. Nothing
/// where the saving becomes negative again and again, or where there are more than a million steps
/// to look at.
[[nodiscard]] std::optional<break_even_point> find_break_even(const two_fleets& fleets);

}  // namespace tandem
