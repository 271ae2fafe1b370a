#include "nodes/simulate/fleet_config.hpp"

#include <vector>

#include "nodes/economics/capacity.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

/// Of the public measurements (ShareGPT): in and out.
constexpr double tokens_per_request = 218 + 200;
constexpr double million = 1e6;
constexpr double seconds_per_hour = 3600;
constexpr std::uint32_t in_flight_max = 1'000'000;

}  // namespace

caf::expected<token_prices> prices_of(const fleet_profile& profile) {
  std::vector<capacity_point> points;
  for (const auto& each : profile.throughput)
    points.push_back({each.requests_per_s, each.input_tokens, each.output_tokens});
  if (profile.gpu_hour_usd && !points.empty()) {
    auto usd_per_s = profile.gpus.value * profile.gpu_hour_usd->value / seconds_per_hour;
    engine_capacity capacity{points};
    if (const auto& times = capacity.times())
      return token_prices{times->read_s * usd_per_s * million,
                          times->write_s * usd_per_s * million};
    auto even = usd_per_s / points.front().requests_per_s.value / tokens_per_request * million;
    return token_prices{even, even};
  }
  if (profile.usd_per_1k) {
    auto even = profile.usd_per_1k->value / 1000 / tokens_per_request * million;
    return token_prices{even, even};
  }
  return make_error(errc::invalid_argument,
                    "profile '" + profile.name +
                        "' has no price: neither gpu_hour_usd with a throughput, nor usd_per_1k");
}

caf::expected<node_config> fleet_config(std::span<const fleet_pool> pools) {
  node_config out;
  out.name = "fleet";
  out.routing.policy = "linear_thompson";
  out.executor.in_flight_max = in_flight_max;
  std::uint64_t seed = 1;
  for (const auto& pool : pools) {
    auto prices = pool.prices ? caf::expected<token_prices>{*pool.prices} : prices_of(pool.profile);
    if (!prices) return prices.error();
    out.models.push_back({.name = pool.profile.name,
                          .tier = pool.tier,
                          .input_price = prices->input,
                          .output_price = prices->output});
    for (std::uint32_t i = 0; i < pool.engines; ++i) {
      auto engine = pool.profile.engine;
      engine.kind = "sim";
      engine.name = pool.profile.name + "-" + std::to_string(i);
      engine.model = pool.profile.name;
      engine.queue_max = in_flight_max;
      engine.sim.quality = pool.quality;
      engine.sim.seed = seed++;
      out.engines.push_back(std::move(engine));
    }
  }
  return out;
}

}  // namespace tandem::simulation
