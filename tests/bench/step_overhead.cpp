// What pool and router add to a step: attempt → pool → router → engine → reply, nothing durable,
// against a call of the same backend object in the same run.

#include <cstdio>

#include "actors/engine/make_backend.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/pool_bench.hpp"

namespace tandem::bench {
namespace {

constexpr int warm_up = 2'000;
constexpr int calls = 20'000;

int run() {
  temp_folder folder{"step"};
  auto config = instant_sim(folder.path(), 8);
  const auto& engine_config = config.engines[1];
  const auto& model = config.models[1];
  auto object = make_backend(engine_config, {}, {});
  std::vector<double> alone;
  for (std::uint32_t i = 1; i <= calls; ++i) {
    auto attempt = make_attempt(i);
    auto start = std::chrono::steady_clock::now();
    auto request = apply_profile(model, *attempt.read());
    request.id = i;
    auto reply = (*object)->start(std::move(request));
    alone.push_back(seconds_since(start));
    if (!std::holds_alternative<generation>(reply)) return 2;
  }
  // One call after the other, so that each waits for nothing but its own way.
  auto times = pool_bench{config, {}}.run(warm_up + calls, 1);
  if (times.empty()) return 2;
  times.erase(times.begin(), times.begin() + warm_up);
  report result{.bench = "step_overhead"};
  auto p50 = 1e6 * percentile(times, 0.5);
  auto object_p50 = 1e6 * percentile(alone, 0.5);
  result.figures = {{"p50_us", p50},
                    {"p99_us", 1e6 * percentile(times, 0.99)},
                    {"object_p50_us", object_p50},
                    {"added_p50_us", p50 - object_p50}};
  result.ratio = p50 / object_p50;
  result.goal = goal("step_overhead", "p50_us_max");
  result.ok = p50 - object_p50 < result.goal;
  std::printf(
      "a step through pool, router and engine: p50 %.1f us; the engine object alone: %.1f us\n",
      p50, object_p50);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
