#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tandem {

/// Draws of the bootstrap over jobs.
inline constexpr std::size_t draws_count = 200;

/// How often one job is in each draw: Poisson(1), which is what resampling many jobs comes to
/// (Chamandy et al. 2012, Estimating Uncertainty for Massive Data Streams). It depends on the job's
/// id alone, so the parts of several journals add up, and the same jobs give the same interval.
[[nodiscard]] std::array<std::uint8_t, draws_count> draw_job(std::uint64_t journal,
                                                             std::uint64_t job);

struct interval {
  double low = 0;
  double high = 0;
};

/// From the 2.5th to the 97.5th percentile. Nothing: fewer than half of the draws have a value.
[[nodiscard]] std::optional<interval> middle_95(std::span<const double> values);

}  // namespace tandem
