#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nodes/simulate/generated_load.hpp"
#include "nodes/simulate/simulation.hpp"

namespace tandem::bench {

/// One pool of a fleet: a profile of config/fleets, by `FILE` or `FILE:NAME`.
struct pool_of_engines {
  std::string profile;
  /// `large` or `small`.
  std::string tier;
  std::uint32_t engines = 1;
  /// What it does right: prompts up to this difficulty.
  double quality = 1;
  /// US dollars a 1,000 requests of 218 tokens in and 200 out: its price a token.
  double usd_per_1k = 0;
  /// 0: the profile's own; else tokens a second, and microseconds.
  double gpu_hour_usd = 0;
};

struct priced_fleet {
  simulation::run_options options;
  /// Of all engines.
  double usd_per_hour = 0;
};

/// Exits where a profile is missing.
[[nodiscard]] priced_fleet make_fleet(const std::vector<pool_of_engines>& pools);

/// The brief's engines at its prices; the public measurements at theirs.
[[nodiscard]] pool_of_engines brief_large(std::uint32_t engines = 1);
[[nodiscard]] pool_of_engines brief_small(std::uint32_t engines = 1);
[[nodiscard]] pool_of_engines public_large(std::uint32_t engines = 1);
[[nodiscard]] pool_of_engines public_small(std::uint32_t engines = 1);

/// What a small model does right of the work here, by difficulty: the share that it can.
inline constexpr double small_quality = 0.75;

/// Runs one variant of it; exits on an error.
[[nodiscard]] simulation::run_result simulate(const priced_fleet& fleet, std::string_view variant,
                                              const simulation::load_spec& load,
                                              std::uint64_t seed = 1);

}  // namespace tandem::bench
