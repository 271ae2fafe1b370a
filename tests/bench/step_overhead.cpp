// What pool and router add to a step: attempt → pool → router → engine → reply, nothing durable,
// against a call of the same backend object in the same run.

#include <cstdio>
#include <future>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/engine/engine.hpp"
#include "actors/engine/make_backend.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

constexpr int warm_up = 2'000;
constexpr int calls = 20'000;

tmsg::attempt make_attempt(std::uint32_t number) {
  message_builder<schema::Attempt> attempt;
  attempt->initFence().setAttempt(number);
  attempt->setPurpose(schema::Purpose::STEP);
  auto message = attempt->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent("add 12 7");
  attempt->setMaxTokens(64);
  attempt->setTimeoutMs(60'000);
  return attempt.finish();
}

/// One call after the other, so that each waits for nothing but its own way.
struct caller {
  executor_pool_actor pool;
  std::vector<double> times;
  std::promise<std::vector<double>> finished;

  static void next(caf::event_based_actor* self, const std::shared_ptr<caller>& state,
                   std::uint32_t number) {
    auto attempt = make_attempt(number);
    auto start = std::chrono::steady_clock::now();
    self->request(state->pool, caf::infinite, attempt_atom_v, attempt, chunk_sink{})
        .then([=](const tmsg::attres& result) {
          state->times.push_back(seconds_since(start));
          auto failed = result.read()->getError().getCode() != schema::Errc::UNKNOWN;
          if (failed || number == warm_up + calls) {
            if (failed) state->times.clear();
            state->finished.set_value(std::move(state->times));
            self->quit();
            return;
          }
          next(self, state, number + 1);
        });
  }
};

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
  auto settings = system_config::make({});
  if (!settings) return 2;
  caf::actor_system system{**settings};
  auto router = system.spawn(router_behavior, config.routing, config.models, std::uint64_t{1});
  auto engine = system.spawn(engine_behavior, engine_config, model, router, backend_services{});
  auto pool =
      system.spawn(executor_pool_behavior, config.executor, router, executor_pool_services{});
  auto state = std::make_shared<caller>();
  state->pool = caf::actor_cast<executor_pool_actor>(pool);
  auto finished = state->finished.get_future();
  // The engine makes itself known to the router before the first call can be routed: it answers
  // only then.
  caf::scoped_actor {
    system
    } -> request(engine, caf::infinite, engine_atom_v)
        .receive([](const tmsg::engstat&) {}, [](const caf::error&) {});
  system.spawn([state](caf::event_based_actor* self) -> caf::behavior {
    caller::next(self, state, 1);
    return {[](caf::unit_t) {}};
  });
  auto times = finished.get();
  state->pool = nullptr;
  for (const auto& actor : {caf::actor_cast<caf::actor>(pool), caf::actor_cast<caf::actor>(engine),
                            caf::actor_cast<caf::actor>(router)})
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
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
