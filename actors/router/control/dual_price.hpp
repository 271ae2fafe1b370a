#pragma once

#include <cstdint>

#include <caf/expected.hpp>

namespace tandem {

/// What a tenant may spend; one of both, the other is 0. Both 0: no target, the price is 0.
struct dual_price_target {
  std::int64_t job_nanousd = 0;
  std::int64_t hour_nanousd = 0;
};

/// All that a dual price remembers; plain numbers, to be kept as they are.
struct dual_price_state {
  /// The learned part of log(1 + price).
  double level = 0;
  /// Spent beyond the target so far, 1e-9 US dollars; negative: credit. Bounded.
  double debt_nanousd = 0;
  /// A job's cost, averaged over the latest hundred or so; and since the last `on_job`.
  double job_mean_nanousd = 0;
  double job_now_nanousd = 0;
  std::uint64_t jobs = 0;
  /// Up to when time has been counted.
  std::uint64_t as_of_ms = 0;
  /// The clock hour (Unix time / 1 h) and what was spent in it.
  std::uint64_t hour = 0;
  double hour_spent_nanousd = 0;
};

/// The price that makes a tenant's spending meet its target: added to what a unit of cost (as dear
/// as the large tier's call) is worth in quality. Dual ascent on the cumulative overspend with a
/// proportional part (as a PI controller; Balseiro and Gur 2019, Agrawal and Devanur 2014 for the
/// ascent), in units of the target and of log(1 + price), so that neither the currency nor the size
/// of jobs matters. Where the unconstrained cost is above the target the average meets it; where
/// there is slack the price falls to 0. A target below the cheapest choice leaves the price at its
/// maximum: the hard cap is another's business.
///
/// Credit is bounded by 25 jobs (or a quarter of an hour, where jobs are small), debt by 200: what
/// is beyond is forgotten. No clock: the time is an argument; going backwards counts as standing
/// still, and a jump forward grants no more than the bounded credit. Not thread-safe.
class dual_price {
 public:
  static constexpr double price_max = 63;

  explicit dual_price(const dual_price_target& target) : target_{target} {}
  /// `corrupted`: a number is not finite or out of bounds. The target may be another than before.
  [[nodiscard]] static caf::expected<dual_price> restore(const dual_price_target& target,
                                                         const dual_price_state& state);

  /// In [0, price_max].
  [[nodiscard]] double price(std::uint64_t now_ms) const;
  /// Money was spent for the tenant. Negative: ignored.
  void on_cost(std::int64_t cost_nanousd, std::uint64_t now_ms);
  /// A job has ended; its costs came before.
  void on_job(std::uint64_t now_ms);

  /// A job's cost on average (the latest hundred or so), or what was spent in this clock hour.
  [[nodiscard]] double spent_nanousd(std::uint64_t now_ms) const;
  [[nodiscard]] const dual_price_target& target() const { return target_; }
  [[nodiscard]] const dual_price_state& state() const { return state_; }

 private:
  [[nodiscard]] bool is_hourly() const { return target_.job_nanousd <= 0; }
  [[nodiscard]] bool has_target() const {
    return target_.job_nanousd > 0 || target_.hour_nanousd > 0;
  }
  [[nodiscard]] double unit_nanousd() const;
  [[nodiscard]] double debt_at(std::uint64_t now_ms) const;
  void advance(std::uint64_t now_ms);
  void ascend(double units);

  dual_price_target target_;
  dual_price_state state_;
};

}  // namespace tandem
