#include "tests/bench/pool_bench.hpp"

#include <cstdio>
#include <cstdlib>
#include <future>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
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

namespace {

struct calling {
  executor_pool_actor pool;
  int calls = 0;
  int started = 0;
  bool failed = false;
  std::vector<double> times;
  std::promise<std::vector<double>> finished;
};

void next(caf::event_based_actor* self, const std::shared_ptr<calling>& now,
          std::uint32_t& numbers) {
  if (now->started == now->calls) return;
  ++now->started;
  auto start = std::chrono::steady_clock::now();
  auto ended = [=, &numbers](bool failed) {
    now->times.push_back(seconds_since(start));
    now->failed |= failed;
    if (static_cast<int>(now->times.size()) < now->calls) {
      next(self, now, numbers);
      return;
    }
    if (now->failed) now->times.clear();
    now->finished.set_value(std::move(now->times));
    self->quit();
  };
  self->request(now->pool, caf::infinite, attempt_atom_v, make_attempt(++numbers), chunk_sink{})
      .then(
          [=](const tmsg::attres& result) {
            auto error = result.read()->getError();
            auto failed = error.getCode() != schema::Errc::UNKNOWN;
            if (failed && !now->failed)
              std::fprintf(stderr, "bench: a step failed: %s\n", error.getMessage().cStr());
            ended(failed);
          },
          [=](const caf::error&) { ended(true); });
}

}  // namespace

struct pool_bench::state {
  std::unique_ptr<caf::actor_system_config> settings;
  std::unique_ptr<caf::actor_system> system;
  caf::actor router;
  caf::actor engine;
  caf::actor pool;
  std::uint32_t numbers = 0;
};

pool_bench::pool_bench(const node_config& config, const backend_services& services)
    : state_{std::make_unique<state>()} {
  auto settings = system_config::make({});
  if (!settings) std::exit(2);
  state_->settings = std::move(*settings);
  state_->system = std::make_unique<caf::actor_system>(*state_->settings);
  auto& system = *state_->system;
  auto router = system.spawn(router_behavior,
                             router_start{.config = config.routing, .models = config.models});
  auto engine =
      system.spawn(engine_behavior, config.engines[1], config.models[1], router, services);
  auto pool =
      system.spawn(executor_pool_behavior, config.executor, router, executor_pool_services{});
  state_->router = caf::actor_cast<caf::actor>(router);
  state_->engine = caf::actor_cast<caf::actor>(engine);
  state_->pool = caf::actor_cast<caf::actor>(pool);
  // Until the engine is known to the router, and its probes call it healthy, steps are refused.
  caf::scoped_actor self{system};
  for (int tries = 0; tries < 100 && run(1, 1).empty(); ++tries)
    self->receive([](caf::unit_t) {}, caf::after(std::chrono::milliseconds{50}) >> [] {});
}

pool_bench::~pool_bench() {
  for (auto* actor : {&state_->pool, &state_->engine, &state_->router})
    caf::anon_send_exit(*actor, caf::exit_reason::user_shutdown);
}

std::vector<double> pool_bench::run(int calls, int at_once) {
  auto now = std::make_shared<calling>();
  now->pool = caf::actor_cast<executor_pool_actor>(state_->pool);
  now->calls = calls;
  auto finished = now->finished.get_future();
  state_->system->spawn(
      [now, at_once, &numbers = state_->numbers](caf::event_based_actor* self) -> caf::behavior {
        for (int i = 0; i < at_once; ++i) next(self, now, numbers);
        return {[](caf::unit_t) {}};
      });
  return finished.get();
}

}  // namespace tandem::bench
