#include "actors/router/router.hpp"

#include <algorithm>
#include <random>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// A disk that hangs must not keep the node.
constexpr std::chrono::seconds stop_wait{2};

}  // namespace

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
  if (!remote && warmer) self->send(warmer, engine_atom_v, status, engine);
}

void router_state::forget(pointer self, std::string_view name) {
  auto known = engines.find(name);
  if (known == engines.end()) return;
  table->remove(name);
  auto gone = std::move(known->second);
  if (!gone.remote && listener) self->send(listener, gone_atom_v, known->first);
  if (!gone.remote && warmer) self->send(warmer, gone_atom_v, known->first);
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

std::uint64_t router_state::now_ms() const {
  auto since = steady_now() - started;
  return started_at_ms + static_cast<std::uint64_t>(
                             std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

router_inside::behavior_type router_behavior(router_state::pointer self,
                                             const router_start& start) {
  auto chooser = model_chooser::make(start.config, start.origin, start.first_decision);
  if (!chooser) {
    self->quit(chooser.error());
    return router_inside::behavior_type::make_empty_behavior();
  }
  auto& state = self->state;
  state.config = start.config;
  state.embeddings = start.embeddings;
  state.own_origin = start.origin;
  state.started_at_ms = unix_ms();
  state.started = steady_now();
  engine_picker::seeds seeds{.hashes = start.hash_seed, .draws = start.draws};
  if (seeds.hashes == 0) {
    std::random_device source;
    seeds.hashes = std::uint64_t{source()} << 32 | source();
  }
  state.table =
      std::make_unique<route_table>(start.config, start.models, std::move(*chooser), seeds);
  self->set_down_handler([self](const caf::down_msg& down) {
    std::vector<std::string> lost;
    for (const auto& [name, engine] : self->state.engines)
      if (engine.handle.address() == down.source) lost.push_back(name);
    for (const auto& name : lost) self->state.forget(self, name);
  });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    auto& state = self->state;
    state.decide_all();
    if (!state.keeper || state.loading) return self->quit(exit.reason);
    state.save(self);
    // Its mailbox has an order only among what is no exit: the reply says that all was written.
    self->request(state.keeper, stop_wait, status_atom_v)
        .then([self, exit](const tmsg::actstat&) { self->quit(exit.reason); },
              [self, exit](const caf::error&) { self->quit(exit.reason); });
  });
  return {[self](route_atom, const tmsg::rtqry& query,
                 const tmsg::attempt& attempt) -> caf::result<tmsg::decisn, engine_actor> {
            auto& state = self->state;
            if (state.embeddings && state.table->weighs(*query.read()))
              return state.route_later(self, query, attempt);
            auto routed = state.table->route(*query.read(), *attempt.read(), state.now_ms());
            if (!routed) return std::move(routed.error());
            state.tell_load(self, routed->engine);
            return {std::move(routed->decision), state.engines.find(routed->engine)->second.handle};
          },
          [self](way_atom, const tmsg::attempt& attempt) -> caf::result<tmsg::decisn> {
            auto& state = self->state;
            if (state.embeddings && state.table->chooser().learns())
              return state.choose_way_later(self, attempt);
            auto way = state.table->choose_way(*attempt.read(), state.now_ms());
            if (!way) return std::move(way.error());
            return std::move(*way);
          },
          [self](reward_atom, const tmsg::reward& reward) { self->state.on_reward(self, reward); },
          [self](route_atom, const tmsg::rtcmd& command) {
            auto promise = self->make_response_promise<tmsg::rtrep>();
            self->state.command(self, command, promise);
            return promise;
          },
          [self](engine_atom, const tmsg::engstat& status, const engine_actor& engine) {
            self->state.take(self, status, engine, false);
          },
          [self](status_atom) {
            return actor_status({.name = "router",
                                 .kind = "router",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = self->state.table->in_flight(),
                                 .handled = self->state.table->decisions(),
                                 .noun = "decisions"});
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
          [self](wire_atom, const engine_warmer_actor& warmer) {
            self->state.warmer = warmer;
            for (auto& [name, engine] : self->state.engines)
              if (!engine.remote) self->send(warmer, engine_atom_v, engine.status, engine.handle);
          },
          [self](warm_atom, const tmsg::attempt& read, const tmsg::decisn& decision) {
            self->state.table->learn_prefix(*decision.read(), *read.read());
          },
          [self](learned_atom, const tmsg::armstat& statistics) {
            self->state.on_statistics(self, statistics);
          },
          [self](learned_atom, const tmsg::rtchg& change) {
            self->state.on_change_elsewhere(self, change);
          },
          [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
            self->state.on_member(self, *member.read(), handles);
          },
          [self](wire_atom, const route_keeper_actor& keeper) {
            auto& state = self->state;
            auto first = !state.keeper;
            state.keeper = keeper;
            if (first) state.load(self);
          },
          [self](save_atom) {
            self->state.save_set = false;
            self->state.save(self);
          },
          [self](embed_atom, std::uint64_t call, bool arrived) {
            self->state.on_embedding(call, arrived);
          }};
}

}  // namespace tandem
