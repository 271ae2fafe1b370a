// A million requests over a thousand engines, on one core.

#include <cstdio>
#include <string>

#include "nodes/simulate/generated_load.hpp"
#include "nodes/simulate/simulation.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

node_config fleet(std::uint32_t engines) {
  node_config config;
  config.name = "bench";
  config.models = {{.name = "large", .tier = "large", .input_price = 5.54, .output_price = 5.54},
                   {.name = "small", .tier = "small", .input_price = 0.042, .output_price = 0.042}};
  config.routing.policy = "linear_thompson";
  config.executor.in_flight_max = 1'000'000;
  auto add = [&](const std::string& model, std::uint32_t count, double prefill, int per_token_us,
                 double quality) {
    for (std::uint32_t i = 0; i < count; ++i) {
      engine_config engine{.name = model + "-" + std::to_string(i), .kind = "sim", .model = model};
      engine.concurrency = 64;
      engine.sim.seed = i + 1;
      engine.sim.first_token = std::chrono::milliseconds{10};
      engine.sim.per_token = std::chrono::microseconds{per_token_us};
      engine.sim.per_token_batch = std::chrono::microseconds{per_token_us / 64};
      engine.sim.prefill_rate = prefill;
      engine.sim.quality = quality;
      engine.sim.cache_blocks = 16'384;
      engine.sim.cache_block_tokens = 16;
      config.engines.push_back(std::move(engine));
    }
  };
  add("large", engines * 2 / 5, 8'000, 25'000, 1);
  add("small", engines - engines * 2 / 5, 40'000, 6'000, 0.8);
  return config;
}

int run(std::uint64_t requests, std::uint32_t engines) {
  simulation::load_spec load{.rate = 1.5 * engines, .requests = requests, .verified = 0.1};
  auto work = simulation::generate_load(load, 1);
  auto before = cpu_seconds();
  auto result = simulation::run({.config = fleet(engines)}, *work);
  if (!result) {
    std::fprintf(stderr, "bench: %s\n", message_of(result.error()).c_str());
    return 2;
  }
  auto took = cpu_seconds() - before;
  std::printf(
      "%llu requests over %u engines: %.1f s of CPU, %.1f us each; done %llu failed %llu right "
      "%llu\n",
      static_cast<unsigned long long>(requests), engines, took,
      took * 1e6 / static_cast<double>(requests), static_cast<unsigned long long>(result->done),
      static_cast<unsigned long long>(result->failed),
      static_cast<unsigned long long>(result->right));
  std::printf(
      "first token p50 %.3f p99 %.3f; call mean %.3f p99 %.3f; queue p99 %.3f; span %.1f s\n",
      result->first_token_s.quantile(.5), result->first_token_s.quantile(.99),
      result->call_s.mean(), result->call_s.quantile(.99), result->queue_s.quantile(.99),
      result->span_s);
  for (const auto& [name, use] : result->models)
    std::printf("%s: %u engines, %llu calls, busy %.2f, batch %.1f, $%.4f\n", name.c_str(),
                use.engines, static_cast<unsigned long long>(use.calls), use.busy, use.batch,
                use.cost_usd);
  for (const auto& [why, count] : result->failures)
    std::printf("failed %llu: %s\n", static_cast<unsigned long long>(count), why.c_str());
  report out{.bench = "simulate"};
  out.figures = {{"seconds", took},
                 {"us_per_request", took * 1e6 / static_cast<double>(requests)},
                 {"requests", static_cast<double>(requests)},
                 {"engines", static_cast<double>(engines)},
                 {"unanswered", static_cast<double>(requests - result->done - result->failed)}};
  out.goal = goal("simulate", "seconds_max") * static_cast<double>(requests) / 1e6;
  out.ratio = took / out.goal;
  out.ok = took <= out.goal && result->done + result->failed == requests;
  return finish(out);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc > 1 ? std::stoull(argv[1]) : 1'000'000,
                            argc > 2 ? static_cast<std::uint32_t>(std::stoul(argv[2])) : 1000);
}
