#include "tests/bench/cluster_bench.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

constexpr std::chrono::seconds patience{20};

/// How many living nodes have answered this one.
std::size_t seen_by(node& one) {
  caf::scoped_actor self{one.system()};
  std::size_t count = 0;
  self->request(one.supervisor(), patience, topo_atom_v)
      .receive(
          [&count](const tmsg::topo& topology) {
            auto reader = topology.read();
            for (auto each : reader->getNodes())
              if (each.getMember().getState() == schema::MemberState::ALIVE &&
                  each.getActors().size() != 0)
                ++count;
          },
          [](const caf::error&) {});
  return count;
}

}  // namespace

std::vector<std::unique_ptr<node>> start_cluster(std::vector<node_config> configs,
                                                 const std::filesystem::path& tls) {
  std::vector<std::unique_ptr<node>> nodes;
  for (auto& config : configs) {
    config.name = "n" + std::to_string(nodes.size());
    config.listen = {.host = "127.0.0.1", .port = 0};
    config.tls.folder = tls;
    if (!nodes.empty()) config.cluster.join = {nodes.front()->address()};
    auto started = node::start(config);
    if (!started) {
      std::fprintf(stderr, "bench: %s\n", message_of(started.error()).c_str());
      std::exit(2);
    }
    nodes.push_back(std::move(*started));
  }
  auto end = std::chrono::steady_clock::now() + patience;
  for (auto& one : nodes) {
    while (seen_by(*one) < nodes.size()) {
      if (std::chrono::steady_clock::now() > end) {
        std::fprintf(stderr, "bench: the nodes do not find each other\n");
        std::exit(2);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }
  return nodes;
}

}  // namespace tandem::bench
