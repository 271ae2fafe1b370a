#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "actors/cost/job_draws.hpp"
#include "schema/cost.capnp.h"

namespace tandem {

/// What the calls of one row have in common; see CostRow.
struct cost_key {
  std::uint64_t day_ms = 0;
  std::string tenant{};
  std::string model{};
  std::string tier{};
  std::string kind{};
  schema::Purpose purpose = schema::Purpose::UNKNOWN;

  auto operator<=>(const cost_key&) const = default;
};

/// Sums over calls; see CostRow. They wrap around instead of overflowing: a damaged record must not
/// be able to do more than be wrong.
struct cost_figures {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t calls = 0;
  std::int64_t cost_nanousd = 0;
  std::int64_t all_large_nanousd = 0;
  std::uint64_t cache_hits = 0;
  std::int64_t cache_saved_nanousd = 0;
  std::uint64_t attempts = 0;
  std::uint64_t failed = 0;
  std::int64_t failed_nanousd = 0;
  std::int64_t failed_all_large_nanousd = 0;
  std::uint64_t simulated = 0;
  std::uint64_t unpriced = 0;
  std::int64_t unpriced_nanousd = 0;

  void add(const cost_figures& other);
  /// Of what was spent, the part that has a price to compare with.
  [[nodiscard]] std::int64_t comparable_nanousd() const;
  [[nodiscard]] std::int64_t saved_nanousd() const;
};

/// Of jobs with the same day and tenant; see CostJobs.
struct cost_jobs {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t unfinished = 0;
  std::uint64_t simulated = 0;
  std::uint64_t judged = 0;
  std::uint64_t right = 0;
  std::int64_t judged_nanousd = 0;
  std::int64_t judged_all_large_nanousd = 0;

  void add(const cost_jobs& other);
};

struct cost_draw {
  std::int64_t cost_nanousd = 0;
  std::int64_t all_large_nanousd = 0;
  std::int64_t judged_nanousd = 0;
  std::uint64_t right = 0;
};

/// One job's part in the draws.
struct job_cost {
  std::uint64_t journal = 0;
  std::uint64_t number = 0;
  std::int64_t cost_nanousd = 0;
  std::int64_t all_large_nanousd = 0;
  /// 0 where nobody judged it.
  std::int64_t judged_nanousd = 0;
  bool is_right = false;
};

/// What was spent, added up: calls row by row, jobs, and draws of jobs for intervals. Parts are
/// made from records (cost_scan) and added to each other, in any order. Not thread-safe.
class cost_sum {
 public:
  /// Rows take at most about `bytes_max` of a message; what does not fit is added up under the kind
  /// or tenant `(others)`.
  explicit cost_sum(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  void add_calls(cost_key key, const cost_figures& figures);
  void add_jobs(std::uint64_t day_ms, std::string tenant, const cost_jobs& jobs);
  void add_draws(const job_cost& job);
  /// Everything but `cursors` and `missing`.
  void add(schema::CostReport::Reader part);
  void note_call_at(std::uint64_t at_ms);
  void note_unreadable(std::string why);

  /// Everything but `cursors` and `missing`.
  void write(schema::CostReport::Builder out) const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::map<cost_key, cost_figures>& rows() const { return rows_; }
  /// By day and tenant.
  [[nodiscard]] const std::map<std::pair<std::uint64_t, std::string>, cost_jobs>& jobs() const {
    return jobs_;
  }
  [[nodiscard]] const std::array<cost_draw, draws_count>& draws() const { return draws_; }

  [[nodiscard]] cost_figures total() const;
  [[nodiscard]] cost_jobs total_jobs() const;
  /// Which share of all-large was saved; nothing: fewer than 10 jobs, or nothing to compare with.
  [[nodiscard]] std::optional<interval> saving_interval() const;
  /// 1e-9 US dollars for each right job; nothing: fewer than 10 jobs were judged.
  [[nodiscard]] std::optional<interval> right_cost_interval() const;

  std::uint32_t journals = 0;
  std::uint64_t jobs_counted = 0;
  std::uint64_t jobs_simulated = 0;
  std::uint64_t purged = 0;
  std::uint64_t unreadable = 0;
  std::string unreadable_why;
  bool folded = false;
  std::uint64_t first_ms = 0;
  std::uint64_t last_ms = 0;

 private:
  cost_figures& row(cost_key key);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::map<cost_key, cost_figures> rows_;
  std::map<std::pair<std::uint64_t, std::string>, cost_jobs> jobs_;
  std::array<cost_draw, draws_count> draws_{};
};

/// Below, an interval from a bootstrap says nothing.
inline constexpr std::uint64_t interval_jobs_min = 10;

/// The first moment of a UTC day.
[[nodiscard]] constexpr std::uint64_t day_of(std::uint64_t unix_ms) {
  return unix_ms - unix_ms % 86'400'000;
}

}  // namespace tandem
