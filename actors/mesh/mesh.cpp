#include "actors/mesh/mesh.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/mesh/member_check.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using schema::MemberState;

/// A whole list goes to one other node each so many heartbeats.
constexpr int gossip_heartbeats = 10;

moment now_of(mesh_state::pointer self) {
  return {self->clock().now(), unix_ms()};
}

const char* to_text(MemberState state) {
  switch (state) {
    case MemberState::ALIVE:
      return "alive";
    case MemberState::SUSPECT:
      return "suspect";
    case MemberState::GONE:
      return "gone";
    case MemberState::LEFT:
      return "left";
    default:
      return "unknown";
  }
}

bool is_living(MemberState state) {
  return state == MemberState::ALIVE || state == MemberState::SUSPECT;
}

bool same(const peer_handles& a, const peer_handles& b) {
  return a.supervisor == b.supervisor && a.mesh == b.mesh && a.exchange == b.exchange &&
         a.front == b.front && a.replicas == b.replicas && a.router == b.router &&
         a.cache_shards == b.cache_shards && a.weight_sync == b.weight_sync &&
         a.gateway == b.gateway;
}

void log(const member_change& change) {
  auto member = change.member.read();
  auto level = change.state == MemberState::GONE || change.state == MemberState::SUSPECT
                   ? spdlog::level::warn
                   : spdlog::level::info;
  spdlog::log(level, "member {} node={} address={} incarnation={:x}", to_text(change.state),
              view(member->getName()), view(member->getAddress()), change.incarnation);
}

}  // namespace

bool mesh_state::is_ready() const {
  return static_cast<bool>(parse_mesh_address(view(table->own().read()->getAddress())));
}

void mesh_state::run_due(pointer self) {
  auto now = now_of(self);
  apply(self, table->tick(now));
  if (now.at >= next_pulse) {
    next_pulse = now.at + config.heartbeat;
    message_builder<schema::Pulse> pulse;
    pulse->setIncarnation(table->own_incarnation());
    pulse->setNumber(++pulses_sent);
    auto sent = pulse.finish();
    for (const auto& [incarnation, theirs] : peers)
      self->send(caf::actor_cast<mesh_actor>(theirs.mesh), pulse_atom_v, sent);
  }
  if (now.at >= next_gossip) {
    next_gossip = now.at + gossip_heartbeats * config.heartbeat;
    if (!peers.empty()) {
      auto chosen = std::next(peers.begin(), static_cast<std::ptrdiff_t>(random() % peers.size()));
      self->send(caf::actor_cast<mesh_actor>(chosen->second.mesh), member_atom_v,
                 table->members(now));
    }
  }
  settle(self);
}

void mesh_state::settle(pointer self) {
  auto now = self->clock().now();
  auto due = std::min({next_pulse, next_gossip, table->next_deadline()});
  if (is_ready()) {
    plan->update(*table, now);
    for (const auto& address : plan->start(now))
      dial(self->system(), address, caf::actor_cast<caf::actor>(self));
    due = std::min(due, plan->next_start());
  }
  if (due >= wake_at) return;
  // A timer that is set cannot be moved: the last one counts.
  wake_at = due;
  self->delayed_send(self, std::max(due - now, clock::duration::zero()), wake_atom_v,
                     ++wake_number);
}

void mesh_state::on_dialed(pointer self, const std::string& address, const caf::actor& supervisor,
                           const caf::error& why) {
  if (!supervisor)
    failed(self, address, why);
  else
    greet(self, address, supervisor);
}

// Two nodes that connect to each other at once have two connections from then on. When one of them
// ends, CAF goes on with the other and tells nobody, though what was on its way is lost. So the
// session ends with either of them, and whoever waits for an answer is told.
void mesh_state::on_disconnected(pointer self, const std::string& address) {
  auto incarnation = plan->led_to(address);
  if (!incarnation || !table->in_session(*incarnation)) incarnation = table->session_at(address);
  if (incarnation) apply(self, table->lose(*incarnation, now_of(self)));
  settle(self);
}

void mesh_state::greet(pointer self, const std::string& address, const caf::actor& supervisor) {
  // A peer that dies is never heard of again: the request has to end by itself.
  self->request(caf::actor_cast<greeter_actor>(supervisor), config.gone_after, hello_atom_v,
                table->hello(now_of(self)), handles)
      .then(
          [self, address](const tmsg::hello& hello, const peer_handles& theirs) {
            auto& state = self->state;
            auto met = state.meet(self, hello, theirs);
            if (!met) return state.failed(self, address, met.error());
            state.plan->succeeded(address, *met);
            state.settle(self);
          },
          [self, address](const caf::error& err) { self->state.failed(self, address, err); });
}

void mesh_state::greet_again(pointer self) {
  for (const auto& [incarnation, theirs] : peers) {
    self->request(caf::actor_cast<mesh_actor>(theirs.mesh), config.gone_after, hello_atom_v,
                  table->hello(now_of(self)), handles)
        .then(
            [self](const tmsg::hello& hello, const peer_handles& answered) {
              if (auto met = self->state.meet(self, hello, answered); !met)
                spdlog::warn("hello refused reason=\"{}\"", message_of(met.error()));
              self->state.settle(self);
            },
            [self, incarnation = incarnation](const caf::error& err) {
              spdlog::warn("hello refused incarnation={:x} reason=\"{}\"", incarnation,
                           valid_utf8(message_of(err)));
            });
  }
}

void mesh_state::failed(pointer self, const std::string& address, const caf::error& why) {
  if (plan->failed(address, why, self->clock().now())) {
    auto text = std::string{cut(valid_utf8(message_of(why)), 500)};
    if (dial_plan::is_refusal(why))
      spdlog::error("cannot join address={} reason=\"{}\"", address, text);
    else
      spdlog::info("not connected address={} reason=\"{}\"", address, text);
  }
  settle(self);
}

caf::expected<std::uint64_t> mesh_state::meet(pointer self, const tmsg::hello& hello,
                                              const peer_handles& theirs) {
  if (!is_ready())
    return make_error(
        errc::unavailable,
        "node '" + std::string{view(table->own().read()->getName())} + "' is starting");
  if (!theirs.supervisor || !theirs.mesh)
    return make_error(errc::invalid_argument, "a node said hello without its supervisor and mesh");
  auto reader = hello.read();
  auto known = peers.find(reader->getMember().getIncarnation());
  auto other_handles = known != peers.end() && !same(known->second, theirs);
  auto now = now_of(self);
  auto met = table->meet(*reader, other_handles, now);
  if (!met) return std::move(met.error());
  apply(self, met->changes, theirs);
  if (met->is_news) broadcast(self, table->news(met->incarnation, now), met->incarnation);
  return met->incarnation;
}

void mesh_state::apply(pointer self, const member_changes& changes, const peer_handles& theirs) {
  for (const auto& change : changes) {
    log(change);
    auto known = peers.find(change.incarnation);
    if (!is_living(change.state) && known != peers.end()) {
      self->demonitor(known->second.supervisor);
      self->demonitor(known->second.mesh);
      peers.erase(known);
    } else if (is_living(change.state) && known == peers.end()) {
      peers.emplace(change.incarnation, theirs);
      self->monitor(theirs.supervisor);
      self->monitor(theirs.mesh);
    }
    auto found = peers.find(change.incarnation);
    for (const auto& listener : listeners)
      self->send(listener, member_atom_v, change.member,
                 found == peers.end() ? peer_handles{} : found->second);
  }
}

void mesh_state::broadcast(pointer self, const tmsg::memlist& news, std::uint64_t except) {
  for (const auto& [incarnation, theirs] : peers)
    if (incarnation != except)
      self->send(caf::actor_cast<mesh_actor>(theirs.mesh), member_atom_v, news);
}

void mesh_state::leave(pointer self, const caf::error& reason) {
  message_builder<schema::Member> own;
  own.copy(*table->own().read());
  own->setState(MemberState::LEFT);
  auto said = own.finish();
  for (const auto& [incarnation, theirs] : peers)
    self->send(caf::actor_cast<mesh_actor>(theirs.mesh), leave_atom_v, said);
  self->quit(reason);
}

mesh_inside::behavior_type mesh_behavior(mesh_state::pointer self, mesh_setup setup) {
  auto& state = self->state;
  state.config = setup.config;
  state.table.emplace(setup.config, setup.own);
  state.plan.emplace(setup.config.join, setup.random_seed);
  state.dial = std::move(setup.dial);
  state.handles = std::move(setup.handles);
  state.handles.mesh = caf::actor_cast<caf::actor>(self);
  state.listeners = std::move(setup.listeners);
  state.random.seed(static_cast<std::minstd_rand::result_type>(setup.random_seed));
  state.next_pulse = self->clock().now() + state.config.heartbeat;
  state.next_gossip = self->clock().now() + gossip_heartbeats * state.config.heartbeat;
  for (const auto& listener : state.listeners) self->monitor(listener);
  self->set_down_handler([self](const caf::down_msg& down) {
    // An actor of this node that was restarted is wired again.
    if (std::erase_if(self->state.listeners,
                      [&down](const auto& each) { return each.address() == down.source; }) != 0)
      return;
    auto& peers = self->state.peers;
    auto lost = std::find_if(peers.begin(), peers.end(), [&down](const auto& each) {
      return each.second.supervisor.address() == down.source ||
             each.second.mesh.address() == down.source;
    });
    if (lost == peers.end()) return;
    auto incarnation = lost->first;
    self->state.apply(self, self->state.table->lose(incarnation, now_of(self)));
    self->state.settle(self);
  });
  self->set_exit_handler(
      [self](const caf::exit_msg& exit) { self->state.leave(self, exit.reason); });
  state.settle(self);
  return {
      [self](hello_atom, const tmsg::hello& hello,
             const peer_handles& theirs) -> caf::result<tmsg::hello, peer_handles> {
        auto& state = self->state;
        auto met = state.meet(self, hello, theirs);
        if (!met) {
          spdlog::warn("hello refused reason=\"{}\"", message_of(met.error()));
          return std::move(met.error());
        }
        state.settle(self);
        return {state.table->hello(now_of(self)), state.handles};
      },
      [self](pulse_atom, const tmsg::pulse& pulse) {
        auto& state = self->state;
        ++state.pulses_heard;
        auto changes = state.table->heard(pulse.read()->getIncarnation(), now_of(self));
        if (changes.empty()) return;
        state.apply(self, changes);
        state.settle(self);
      },
      [self](member_atom, const tmsg::memlist& list) {
        auto& state = self->state;
        state.apply(self, state.table->learn(list.read()->getMembers(), now_of(self)));
        state.settle(self);
      },
      [self](leave_atom, const tmsg::member& member) {
        auto& state = self->state;
        state.apply(self, state.table->told(*member.read(), now_of(self)));
        state.settle(self);
      },
      [self](member_atom) { return self->state.table->members(now_of(self)); },
      [self](node_atom, const tmsg::member& own) {
        auto& state = self->state;
        if (state.table->set_own(*own.read()))
          state.broadcast(self, state.table->news({}, now_of(self)), 0);
        state.settle(self);
      },
      [self](status_atom) {
        const auto& state = self->state;
        auto refusals = state.plan->refusals();
        return actor_status({.name = "mesh",
                             .kind = "mesh",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.peers.size(),
                             .queued = state.plan->size(),
                             .handled = state.pulses_heard,
                             .noun = "pulses",
                             .last_error = refusals});
      },
      [self](wire_atom, const caf::actor& listener) {
        auto& state = self->state;
        auto added = caf::actor_cast<member_listener>(listener);
        state.listeners.push_back(added);
        self->monitor(added);
        auto now = now_of(self);
        auto list = state.table->members(now);
        auto reader = list.read();
        for (auto member : reader->getMembers()) {
          if (member.getIncarnation() == state.table->own_incarnation() ||
              member.getState() == MemberState::UNKNOWN)
            continue;
          message_builder<schema::Member> told;
          told.copy(member);
          auto found = state.peers.find(member.getIncarnation());
          self->send(added, member_atom_v, told.finish(),
                     found == state.peers.end() ? peer_handles{} : found->second);
        }
      },
      [self](wire_atom, const peer_handles& handles) {
        auto& state = self->state;
        state.handles = handles;
        state.handles.mesh = caf::actor_cast<caf::actor>(self);
        state.greet_again(self);
      },
      [self](done_atom, const std::string& address, const caf::actor& supervisor,
             const caf::error& why) { self->state.on_dialed(self, address, supervisor, why); },
      [self](gone_atom, const std::string& address) { self->state.on_disconnected(self, address); },
      [self](wake_atom, std::uint64_t number) {
        auto& state = self->state;
        if (number != state.wake_number) return;
        state.wake_at = mesh_state::clock::time_point::max();
        state.run_due(self);
      }};
}

}  // namespace tandem
