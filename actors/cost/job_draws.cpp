#include "actors/cost/job_draws.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem {
namespace {

/// Steele, Lea and Flood 2014.
std::uint64_t splitmix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  auto z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// P(Poisson(1) <= k) in units of 1/65536; beyond the last one 7.
constexpr std::array<std::uint32_t, 7> up_to{24109, 48219, 60274, 64292, 65296, 65497, 65531};

std::uint8_t poisson(std::uint32_t uniform) {
  std::uint8_t k = 0;
  while (k < up_to.size() && uniform >= up_to[k]) ++k;
  return k;
}

}  // namespace

std::array<std::uint8_t, draws_count> draw_job(std::uint64_t journal, std::uint64_t job) {
  // Neighbouring numbers must not give neighbouring states.
  auto state = journal;
  state = splitmix(state) ^ job;
  static_cast<void>(splitmix(state));
  std::array<std::uint8_t, draws_count> counts{};
  for (std::size_t i = 0; i < draws_count; i += 4) {
    auto bits = splitmix(state);
    for (std::size_t k = 0; k < 4; ++k, bits >>= 16)
      counts[i + k] = poisson(static_cast<std::uint32_t>(bits & 0xffff));
  }
  return counts;
}

std::optional<interval> middle_95(std::span<const double> values) {
  if (values.size() * 2 < draws_count) return std::nullopt;
  std::vector<double> sorted{values.begin(), values.end()};
  std::sort(sorted.begin(), sorted.end());
  auto last = static_cast<double>(sorted.size() - 1);
  auto at = [&](double share) {
    return sorted[static_cast<std::size_t>(std::lround(share * last))];
  };
  return interval{at(0.025), at(0.975)};
}

}  // namespace tandem
