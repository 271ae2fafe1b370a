// 10,000 equal requests at once, over three nodes: one call of an engine.

#include <cstdio>
#include <future>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "tests/bench/cache_bench.hpp"
#include "tests/bench/cluster_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::size_t nodes_max = 3;
constexpr std::size_t requests = 10'000;

struct waiting {
  std::size_t left = 0;
  std::size_t failed = 0;
  std::promise<void> finished;
};

tmsg::submit request() {
  message_builder<schema::Submit> submit;
  submit->setMode(schema::PlanMode::SMALL);
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent("what everybody asks");
  return submit.finish();
}

void submit_all(node& at, std::size_t count, const std::shared_ptr<waiting>& over) {
  at.system().spawn([planner = at.planner(), count, over](caf::event_based_actor* self) {
    auto ended = [over](bool well) {
      if (!well) ++over->failed;
      if (--over->left == 0) over->finished.set_value();
    };
    for (std::size_t i = 0; i < count; ++i) {
      self->request(planner, caf::infinite, submit_atom_v, request())
          .then(
              [self, planner, ended](const tmsg::submitd& accepted) {
                message_builder<schema::JobRef> ref;
                ref->setJob(accepted.read()->getJob());
                self->request(planner, caf::infinite, wait_atom_v, ref.finish())
                    .then(
                        [ended](const tmsg::jobsum& job) {
                          ended(job.read()->getState() == schema::JobState::DONE);
                        },
                        [ended](const caf::error&) { ended(false); });
              },
              [ended](const caf::error&) { ended(false); });
    }
  });
}

std::uint64_t calls_of_engines(node& at) {
  caf::scoped_actor self{at.system()};
  std::uint64_t sum = 0;
  self->request(at.supervisor(), std::chrono::seconds{20}, topo_atom_v)
      .receive(
          [&sum](const tmsg::topo& topology) {
            auto reader = topology.read();
            for (auto each : reader->getNodes())
              for (auto engine : each.getEngines()) sum += engine.getRequests();
          },
          [](const caf::error&) {});
  return sum;
}

}  // namespace

void run_equal_requests(cache_results& results) {
  temp_folder folder{"cache_equal_requests"};
  auto files = ensure_certificates(folder.path() / "tls", "n0", {});
  if (!files) return results.fail("no certificates could be made");
  std::vector<node_config> configs;
  for (std::size_t i = 0; i < nodes_max; ++i) {
    auto config = instant_sim(folder.path() / ("n" + std::to_string(i)), 1);
    config.journal.durability = storage::durability::none;
    // Longer than all of them need to ask.
    config.engines[1].sim.first_token = std::chrono::seconds{8};
    config.executor.cache.tiers.push_back({.tier = "small", .disk_bytes = 0});
    configs.push_back(std::move(config));
  }
  auto nodes = start_cluster(std::move(configs), folder.path() / "tls");
  // Each of them is counted by one thread alone: the three systems' answers meet here.
  std::vector<std::shared_ptr<waiting>> over;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto count = requests / nodes.size() + (i < requests % nodes.size() ? 1 : 0);
    over.push_back(std::make_shared<waiting>());
    over.back()->left = count;
    submit_all(*nodes[i], count, over.back());
  }
  std::size_t failed = 0;
  for (auto& each : over) {
    each->finished.get_future().wait();
    failed += each->failed;
  }
  auto calls = calls_of_engines(*nodes[0]);
  results.note("equal_requests_failed", static_cast<double>(failed));
  results.must("equal_requests_calls", static_cast<double>(calls) + static_cast<double>(failed),
               "equal_requests_calls_max",
               "calls of engines for equal requests at once, and failures",
               std::to_string(requests) + " over " + std::to_string(nodes.size()) + " nodes, TLS");
  for (auto& each : nodes) (void)each->stop();
}

}  // namespace tandem::bench
