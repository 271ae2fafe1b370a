#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// From..to; one number is both.
struct claimed_range {
  double low = 0;
  double high = 0;
};

/// What somebody says that it brings. Shares are 0 to 1; all are optional. A claim without `qps` is
/// said in general, and holds for the others where they do not say otherwise.
struct claim {
  std::string who;
  std::optional<double> qps;
  std::optional<claimed_range> saving;
  std::optional<double> saving_usd_year;
  std::optional<claimed_range> large_share;
  std::optional<claimed_range> throughput_multiple;
  std::optional<claimed_range> latency_gain;
  std::optional<double> serial_steps;
  std::optional<double> break_even_qps;
  std::optional<double> payback_months;
  /// 14.63 is 1,463%.
  std::optional<double> roi;
  std::optional<double> roi_years;
};

/// The figures of one kind of engine, as stated.
struct stated_engine {
  std::string name;
  std::optional<double> requests_per_s;
  std::optional<double> latency_ms;
  std::optional<double> usd_per_1k;
  std::optional<double> gpus;
  std::optional<double> gpu_hour_usd;
};

/// What claims are checked against.
struct claim_context {
  stated_engine large;
  stated_engine small;
  /// US dollars a 1,000 calls, stated or computed.
  double large_usd_per_1k = 0;
  double small_usd_per_1k = 0;
  /// Of one call, where they are known.
  std::optional<double> large_ms;
  std::optional<double> small_ms;
  /// US dollars a year for all calls on the large model at so many requests a second.
  std::function<double(double)> all_large_usd_year;
};

/// One thing that was checked, with its arithmetic.
struct finding {
  /// `littles_law`, `price_per_gpu_hour`, `saving_ceiling`, `saving_share`, `throughput_multiple`,
  /// `latency_steps`, `yearly_saving`, `whole_bill`, `break_even_line`, `payback_roi`. Scripts read
  /// them: never change one.
  std::string_view name;
  std::string who;
  std::string arithmetic;
  bool contradicts = false;
};

/// What contradicts itself or each other, and what was checked and agrees. In the order of the
/// names above, engines first.
[[nodiscard]] std::vector<finding> check_claims(const claim_context& context,
                                                std::span<const claim> claims);

/// Requests in flight at a rate and a latency: Little's law.
[[nodiscard]] double in_flight(double requests_per_s, double latency_ms);
/// Fewer in flight at full load are no load for an engine that batches.
inline constexpr double batch_min = 8;
/// US dollars an hour of an engine that serves so many at that price.
[[nodiscard]] double engine_hour_usd(double usd_per_1k, double requests_per_s);
/// ROI over `years` of an investment paid back in `payback_months`.
[[nodiscard]] double roi_of_payback(double payback_months, double years);

}  // namespace tandem
