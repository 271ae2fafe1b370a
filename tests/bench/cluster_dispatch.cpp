// What it costs that an engine is on another node: two actor systems over TLS on loopback. A step
// at a remote engine against one at a local engine, one at a time; steps a second with many under
// way; and how many messages of a step's size CAF alone carries one way.

#include <cstdio>
#include <future>

#include <caf/event_based_actor.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/send.hpp>

#include "config/certificates.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/pool_bench.hpp"
#include "tests/support/exchange_node.hpp"

namespace tandem::bench {
namespace {

using testing::exchange_node;

constexpr int warm_up = 200;
constexpr int alone = 2'000;
constexpr int crowd = 30'000;
constexpr int at_once = 256;
constexpr int one_way = 60'000;

struct calling {
  executor_pool_actor pool;
  int calls = 0;
  int started = 0;
  int failed = 0;
  std::uint32_t first = 0;
  std::vector<double> times;
  std::promise<void> finished;
};

void next(caf::event_based_actor* self, const std::shared_ptr<calling>& now) {
  if (now->started == now->calls) return;
  auto number = now->first + static_cast<std::uint32_t>(++now->started);
  auto start = std::chrono::steady_clock::now();
  self->request(now->pool, caf::infinite, attempt_atom_v, make_attempt(number), chunk_sink{})
      .then([self, now, start](const tmsg::attres& result) {
        now->times.push_back(seconds_since(start));
        if (result.read()->getError().getCode() != schema::Errc::UNKNOWN) ++now->failed;
        if (static_cast<int>(now->times.size()) < now->calls) return next(self, now);
        now->finished.set_value();
        self->quit();
      });
}

/// Seconds of each call; empty: some failed.
std::vector<double> run_calls(exchange_node& node, int calls, int width) {
  static std::uint32_t numbers = 0;
  auto now = std::make_shared<calling>();
  now->pool = node.pool();
  now->calls = calls;
  now->first = numbers;
  numbers += static_cast<std::uint32_t>(calls);
  auto finished = now->finished.get_future();
  node.system().spawn([now, width](caf::event_based_actor* self) -> caf::behavior {
    for (int i = 0; i < width; ++i) next(self, now);
    return {[](caf::unit_t) {}};
  });
  finished.wait();
  if (now->failed != 0) {
    std::fprintf(stderr, "bench: %d of %d steps failed\n", now->failed, calls);
    return {};
  }
  return now->times;
}

/// Messages a second, one way, of a step's payload, by CAF alone.
double raw_messages(exchange_node& from, exchange_node& to) {
  auto count = std::make_shared<int>(0);
  auto done = std::make_shared<std::promise<void>>();
  auto finished = done->get_future();
  auto sink = to.system().spawn([count, done](caf::event_based_actor* self) -> caf::behavior {
    return {[self, count, done](attempt_atom, const tmsg::attempt&) {
      if (++*count < one_way) return;
      done->set_value();
      self->quit();
    }};
  });
  auto port = caf::openssl::publish(sink, 0, "127.0.0.1");
  if (!port) return 0;
  auto remote = caf::openssl::remote_actor(from.system(), "127.0.0.1", *port);
  if (!remote) return 0;
  auto message = make_attempt(1);
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < one_way; ++i) caf::anon_send(*remote, attempt_atom_v, message);
  finished.wait();
  return one_way / seconds_since(start);
}

int run() {
  temp_folder folder{"cluster_dispatch"};
  auto files = ensure_certificates(folder.path(), "node", {});
  if (!files) return 2;
  engine_config engine{.name = "sim", .kind = "sim", .model = "tiny", .concurrency = 512};
  exchange_node near{"near", 1, *files, {engine}};
  auto far = std::make_unique<exchange_node>("far", 2, *files, std::vector{engine});
  exchange_node asking{"asking", 3, *files, {}};
  auto local = run_calls(near, warm_up + alone, 1);
  if (!asking.join(*far) || !asking.wait_for_credits()) return 2;
  auto remote = run_calls(asking, warm_up + alone, 1);
  auto start = std::chrono::steady_clock::now();
  auto many = run_calls(asking, crowd, at_once);
  auto took = seconds_since(start);
  if (local.empty() || remote.empty() || many.empty()) return 2;
  local.erase(local.begin(), local.begin() + warm_up);
  remote.erase(remote.begin(), remote.begin() + warm_up);
  auto raw = raw_messages(asking, *far);
  auto local_us = 1e6 * percentile(local, 0.5);
  auto remote_us = 1e6 * percentile(remote, 0.5);
  // A step is two messages between the nodes: the attempt, and its result.
  auto messages = 2 * crowd / took;
  report result{.bench = "cluster_dispatch"};
  result.figures = {{"local_p50_us", local_us},
                    {"remote_p50_us", remote_us},
                    {"added_p50_us", remote_us - local_us},
                    {"step_messages_per_s", messages},
                    {"steps_per_s", crowd / took},
                    {"raw_messages_per_s", raw}};
  result.ratio = raw > 0 ? messages / raw : 0;
  result.goal = goal("cluster_dispatch", "added_p50_us_max");
  result.ok = remote_us - local_us < result.goal &&
              messages >= goal("cluster_dispatch", "messages_per_s_min");
  std::printf("a step at an engine of another node: p50 %.0f us, of this node: %.0f us\n",
              remote_us, local_us);
  std::printf("%d steps, %d at once: %.0f step messages/s; CAF alone, one way: %.0f messages/s\n",
              crowd, at_once, messages, raw);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
