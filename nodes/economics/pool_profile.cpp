#include "nodes/economics/pool_profile.hpp"

#include <algorithm>
#include <chrono>

#include "nodes/economics/claims.hpp"

namespace tandem {
namespace {

sourced_number chosen(double value) {
  return sourced_number::exact(value, number_kind::assumed, "by default");
}

sourced_number between(double low, double value, double high, std::string why) {
  return sourced_number::between(low, value, high, std::move(why));
}

void default_pool(pool_inputs& pool) {
  pool.gpus = chosen(1);
  pool.gpu_hour_usd = between(1.99, 3, 5, "on-demand offers for an H100 in 2026");
  pool.overhead = between(
      0.1, 0.3, 0.5, "30 to 50% above the GPUs' price (mercatus-ai.com/blog/cloud-gpu-pricing)");
  pool.utilisation =
      between(0.4, 0.6, 0.8, "measured rates have no latency objective; what is left under one");
  pool.spares = chosen(1);
}

void default_workload(workload_inputs& work) {
  work.peak = chosen(1);
  work.duty = chosen(1);
  work.input_tokens = sourced_number::exact(218, number_kind::assumed, "ShareGPT's mean");
  work.output_tokens = sourced_number::exact(200, number_kind::assumed, "ShareGPT's mean");
  work.cache_hit = chosen(0);
  work.large_share = between(0.15, 0.4, 0.8, "nobody has measured it for these calls");
  work.plan_calls = chosen(1);
  work.steps = between(4, 8, 12, "nobody has counted them for these jobs");
  work.serial_steps = between(3, 5.8, 12, "799 real plans take 1.38 times as long one step by one");
  work.checks = chosen(0);
  work.replan = between(0, 0.05, 0.2, "nobody has counted them for these jobs");
  work.plan_hits = chosen(0);
  work.retry = between(0, 0.05, 0.2, "nobody has counted them for these jobs");
  work.escalate = between(0, 0.1, 0.4, "nobody has measured it for these jobs");
  work.plan_tokens = between(100, 200, 400, "25 tokens a step");
  work.compose_calls = chosen(0);
  work.baseline_calls = chosen(0);
  work.right_large = chosen(1);
  work.right_small = chosen(1);
  work.right_tandem =
      between(0.92, 1, 1, "relative to the large model; published systems keep 93 to 100%");
}

double milliseconds_of(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

number_kind kind_of(const fleet_profile& profile, std::string_view key) {
  auto found = profile.sim_sources.find(key);
  return found == profile.sim_sources.end() ? number_kind::assumed : found->second.kind;
}

call_times times_of(const fleet_profile& profile) {
  const auto& sim = profile.engine.sim;
  call_times times;
  times.first_token_ms =
      sourced_number::exact(milliseconds_of(sim.first_token), kind_of(profile, "first_token"));
  times.per_token_ms =
      sourced_number::exact(milliseconds_of(sim.per_token), kind_of(profile, "per_token"));
  times.batch_ms = profile.engine.concurrency * milliseconds_of(sim.per_token_batch);
  times.read_ms = sim.prefill_rate > 0 ? 1000 / sim.prefill_rate : 0;
  return times;
}

void complete_pool(pool_inputs& pool, const workload_inputs& work) {
  if (!pool.capacity) return;
  auto input = work.input_tokens.value;
  auto output = work.output_tokens.value;
  pool.rate_factor = pool.capacity->factor(input, output);
  if (!pool.stated_requests_per_s)
    pool.stated_requests_per_s = pool.capacity->requests_per_s(input, output, work.cache_hit.value);
  if (!pool.stated_usd_per_1k || pool.stated_gpu_hour_usd) return;
  // A price that is stated is that of a full engine, with all that belongs to it.
  auto each =
      engine_hour_usd(*pool.stated_usd_per_1k, *pool.stated_requests_per_s) / pool.gpus.value;
  pool.gpu_hour_usd = sourced_number::exact(each, number_kind::assumed,
                                            "from the stated price of a 1,000 requests");
  if (!pool.sets_overhead) pool.overhead = chosen(0);
  if (!pool.sets_utilisation) pool.utilisation = chosen(1);
}

}  // namespace

assess_inputs default_inputs() {
  assess_inputs inputs;
  inputs.large.name = "large";
  inputs.small.name = "small";
  default_pool(inputs.large);
  default_pool(inputs.small);
  default_workload(inputs.workload);
  auto& money = inputs.money;
  money.build_usd = between(60'000, 150'000, 400'000, "two engineers for some months");
  money.running_usd_year = between(30'000, 75'000, 200'000, "part of an engineer, monitoring");
  money.build_months = between(1, 3, 6, "two engineers for some months");
  money.discount = chosen(0.1);
  money.months = chosen(36);
  return inputs;
}

void apply_profile(pool_inputs& pool, const fleet_profile& profile) {
  pool.name = profile.name;
  std::vector<capacity_point> points;
  for (const auto& point : profile.throughput)
    points.push_back({point.requests_per_s, point.input_tokens, point.output_tokens});
  if (!points.empty()) {
    if (!points.front().input_tokens)
      pool.stated_requests_per_s = points.front().requests_per_s.value;
    pool.capacity.emplace(std::move(points));
  }
  pool.gpus = profile.gpus;
  if (profile.gpu_hour_usd) pool.gpu_hour_usd = *profile.gpu_hour_usd;
  if (profile.usd_per_1k) pool.stated_usd_per_1k = profile.usd_per_1k->value;
  if (profile.latency_ms) {
    pool.stated_latency_ms = profile.latency_ms->value;
  } else if (profile.engine.sim.per_token.count() > 0) {
    pool.times = times_of(profile);
  }
}

void complete_inputs(assess_inputs& inputs) {
  complete_pool(inputs.large, inputs.workload);
  complete_pool(inputs.small, inputs.workload);
}

}  // namespace tandem
