#include "tests/bench/claims/claim_fleets.hpp"

#include "nodes/simulate/fleet_config.hpp"
#include "nodes/simulate/variants.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

/// The profile of requests that the public measurements were made with.
constexpr double tokens_per_request = 218 + 200;
constexpr double million = 1e6;
constexpr double h100_hour_usd = 3;

}  // namespace

pool_of_engines brief_large(std::uint32_t engines) {
  return {"brief:235b", "large", engines, 1, 5.54, 13.71};
}
pool_of_engines brief_small(std::uint32_t engines) {
  return {"brief:4b", "small", engines, small_quality, 0.042, 13.61};
}
pool_of_engines public_large(std::uint32_t engines) {
  return {"qwen3-235b-a22b-fp8", "large", engines, 1, 0.178, h100_hour_usd};
}
pool_of_engines public_small(std::uint32_t engines) {
  return {"qwen3-14b-fp8", "small", engines, small_quality, 0.0335, h100_hour_usd};
}

priced_fleet make_fleet(const std::vector<pool_of_engines>& pools) {
  priced_fleet out;
  std::vector<simulation::fleet_pool> fleet;
  for (const auto& pool : pools) {
    auto profile = find_fleet_profile(pool.profile, TANDEM_SOURCE_DIR "/config/fleets");
    if (!profile) give_up(message_of(profile.error()));
    auto price = pool.usd_per_1k / 1000 / tokens_per_request * million;
    out.usd_per_hour += pool.engines * pool.gpu_hour_usd * profile->gpus.value;
    fleet.push_back({.profile = std::move(*profile),
                     .tier = pool.tier,
                     .engines = pool.engines,
                     .quality = pool.quality,
                     .prices = simulation::token_prices{price, price}});
  }
  auto config = simulation::fleet_config(fleet);
  if (!config) give_up(message_of(config.error()));
  out.options.config = std::move(*config);
  return out;
}

simulation::run_result simulate(const priced_fleet& fleet, std::string_view variant,
                                const simulation::load_spec& load, std::uint64_t seed) {
  auto options = fleet.options;
  options.seed = seed;
  auto made = simulation::make_variant(variant, options);
  if (!made) give_up(message_of(made.error()));
  auto work = simulation::generate_load(load, seed);
  auto result = simulation::run(made->options, *work);
  if (!result) give_up(message_of(result.error()));
  return std::move(*result);
}

}  // namespace tandem::bench
