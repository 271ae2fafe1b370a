#include "nodes/node/metrics_scrape.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include <caf/event_based_actor.hpp>

#include "nodes/node/alarm_parts.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds patience{2};

struct scrape {
  metrics_view view;
  std::function<void(std::string)> done;
  std::size_t missing = 0;

  void answered() {
    if (--missing == 0) done(metrics_page(view));
  }
};

}  // namespace

void scrape_metrics(caf::actor_system& system, const node_parts& parts,
                    const supervisor_actor& supervisor, std::function<void(std::string)> done) {
  system.spawn<caf::detached>([parts, supervisor, done](caf::event_based_actor* self) {
    auto found = std::make_shared<scrape>(scrape{.view = metrics_of(parts), .done = done});
    auto ask = [&](auto* into, const auto&... question) {
      ++found->missing;
      using reply = std::decay_t<decltype(*into)>;
      self->request(supervisor, patience, question...)
          .then(
              [found, into](const reply& told) {
                *into = told;
                found->answered();
              },
              [found](const caf::error&) { found->answered(); });
    };
    message_builder<schema::CacheCommand> cache;
    cache->setAction(schema::CacheAction::STATS);
    cache->setOwn(true);
    message_builder<schema::RouteCommand> routing;
    routing->setAction(schema::RouteAction::STATUS);
    message_builder<schema::WeightCommand> weights;
    weights->setAction(schema::WeightAction::STATUS);
    ask(&found->view.topology, topo_atom_v);
    ask(&found->view.cache, cache_atom_v, cache.finish());
    ask(&found->view.routing, route_atom_v, routing.finish());
    ask(&found->view.weights, weight_atom_v, weights.finish());
  });
}

}  // namespace tandem
