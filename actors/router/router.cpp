#include "actors/router/router.hpp"

#include <algorithm>

#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {

void router_state::take(pointer self, const tmsg::engstat& status, const engine_actor& engine,
                        bool remote) {
  std::string name{view(status.read()->getName())};
  auto known = engines.find(name);
  if (known == engines.end() || known->second.handle != engine) {
    // A restarted engine comes under its old name: what the old one had in flight is gone.
    table->remove(name);
    // One handle may stand for many engines.
    auto same = [&engine](const auto& entry) { return entry.second.handle == engine; };
    if (std::none_of(engines.begin(), engines.end(), same)) self->monitor(engine);
    known = engines.insert_or_assign(name, known_engine{.handle = engine}).first;
  }
  known->second.status = status;
  known->second.remote = remote;
  table->update(status, remote ? route_table::place::remote : route_table::place::local);
  if (!remote && listener) self->send(listener, engine_atom_v, status, engine);
}

void router_state::forget(pointer self, std::string_view name) {
  auto known = engines.find(name);
  if (known == engines.end()) return;
  table->remove(name);
  auto gone = std::move(known->second);
  if (!gone.remote && listener) self->send(listener, gone_atom_v, known->first);
  engines.erase(known);
  auto same = [&gone](const auto& entry) { return entry.second.handle == gone.handle; };
  if (std::none_of(engines.begin(), engines.end(), same)) self->demonitor(gone.handle.address());
}

void router_state::tell_load(pointer self, std::string_view name) {
  if (!listener) return;
  auto known = engines.find(name);
  if (known == engines.end() || known->second.remote) return;
  auto [now, concurrency] = table->load_of(name);
  auto& told = known->second.load_told;
  auto apart = now < told ? told - now : now - told;
  if (apart == 0 || (now != 0 && apart < std::max(concurrency / 4, 1u))) return;
  told = now;
  self->send(listener, load_atom_v, known->first, now);
}

router_inside::behavior_type router_behavior(router_state::pointer self,
                                             const router_config& config,
                                             const std::vector<model_config>& models,
                                             std::uint64_t first_decision) {
  auto policy = make_routing_policy(config);
  if (!policy) {
    self->quit(policy.error());
    return router_inside::behavior_type::make_empty_behavior();
  }
  self->state.table =
      std::make_unique<route_table>(config, models, std::move(*policy), first_decision);
  self->set_down_handler([self](const caf::down_msg& down) {
    std::vector<std::string> lost;
    for (const auto& [name, engine] : self->state.engines)
      if (engine.handle.address() == down.source) lost.push_back(name);
    for (const auto& name : lost) self->state.forget(self, name);
  });
  return {[self](route_atom, const tmsg::rtqry& query) -> caf::result<tmsg::decisn, engine_actor> {
            auto& state = self->state;
            auto routed = state.table->route(*query.read());
            if (!routed) return std::move(routed.error());
            state.tell_load(self, routed->engine);
            return {std::move(routed->decision), state.engines.find(routed->engine)->second.handle};
          },
          [self](reward_atom, const tmsg::reward& reward) {
            auto reader = reward.read();
            self->state.table->settle(*reader);
            self->state.tell_load(self, view(reader->getEngine()));
          },
          [self](engine_atom, const tmsg::engstat& status, const engine_actor& engine) {
            self->state.take(self, status, engine, false);
          },
          [self](offer_atom, const tmsg::engstat& status, const engine_actor& engine) {
            self->state.take(self, status, engine, true);
          },
          [self](gone_atom, const std::string& name) { self->state.forget(self, name); },
          [self](wire_atom, const engine_listener& listener) {
            self->state.listener = listener;
            for (auto& [name, engine] : self->state.engines) {
              if (engine.remote) continue;
              self->send(listener, engine_atom_v, engine.status, engine.handle);
              engine.load_told = 0;
              self->state.tell_load(self, name);
            }
          },
          [self](status_atom) {
            return actor_status({.name = "router",
                                 .kind = "router",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = self->state.table->in_flight(),
                                 .handled = self->state.table->decisions(),
                                 .noun = "decisions"});
          }};
}

}  // namespace tandem
