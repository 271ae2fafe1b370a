#include "actors/exchange/exchange.hpp"

#include <algorithm>

#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {

std::string exchange_state::why_not(schema::EngineStatus::Reader status) const {
  if (std::find(config.models.begin(), config.models.end(), view(status.getModel())) ==
      config.models.end())
    return "this node has no [[model]] '" + std::string{view(status.getModel())} + "'";
  return {};
}

void exchange_state::on_member(pointer self, schema::Member::Reader member,
                               const peer_handles& handles) {
  auto incarnation = member.getIncarnation();
  if (incarnation == config.incarnation || incarnation == credit_ledger::own) return;
  std::string called{view(member.getName())};
  auto lost = member.getState() == schema::MemberState::GONE ||
              member.getState() == schema::MemberState::LEFT || !handles.exchange;
  if (lost)
    return lose(self, incarnation,
                member.getState() == schema::MemberState::LEFT ? "has left" : "is gone");
  auto handle = caf::actor_cast<exchange_peer>(handles.exchange);
  if (auto known = peers.find(incarnation);
      known != peers.end() && known->second.handle.address() != handle.address())
    lose(self, incarnation, "has started its exchange anew");
  // The mesh has let a node of this name in again: the older one is no more.
  for (auto other = peers.begin(); other != peers.end(); ++other) {
    if (other->second.name != called || other->first == incarnation) continue;
    lose(self, other->first, "was started anew");
    break;
  }
  auto& of = peers[incarnation];
  of.takes = member.getState() == schema::MemberState::ALIVE && !member.getDraining();
  if (of.handle) return register_engines(self, of);
  of.name = std::move(called);
  of.incarnation = incarnation;
  of.handle = std::move(handle);
  of.window = peer_window{config.peer_bytes_max};
  ledger.add_party(incarnation);
  set_offers(self);
}

void exchange_state::lose(pointer self, std::uint64_t incarnation, std::string_view why) {
  auto found = peers.find(incarnation);
  if (found == peers.end()) return;
  auto lost = std::move(found->second);
  peers.erase(found);
  ledger.remove_party(incarnation);
  // First of all the router: whoever is answered below asks it anew.
  for (const auto& [engine, status] : lost.told) self->send(router, gone_atom_v, engine);
  auto reason = "node '" + lost.name + "' " + std::string{why};
  for (auto id : lost.tasks) {
    auto& of = tasks.at(id);
    // A refusal: it goes elsewhere at once, and counts as no failure of its step.
    answer(id, no_call(of.attempt, of.decision, errc::unavailable, reason, of.begun));
  }
  for (const auto& [id, guest] : lost.guests) {
    fence_key fence{guest.attempt.read()->getFence()};
    if (guest.stream) streams.erase(fence);
    message_builder<schema::Cancel> out;
    out->setFence(guest.attempt.read()->getFence());
    out->setReason(reason);
    self->send(guest.handle, cancel_atom_v, out.finish());
  }
  set_offers(self);
}

void exchange_state::register_engines(pointer self, peer& of) {
  auto before = std::exchange(of.told, {});
  if (of.heard != 0) {
    auto offer = of.offered.read();
    for (auto each : offer->getEngines()) {
      auto status = each.getStatus();
      auto owned = view(status.getName());
      if (owned.empty() || !why_not(status).empty()) continue;
      auto called = std::string{owned} + "@" + of.name;
      message_builder<schema::EngineStatus> out;
      out.copy(status);
      out->setName(called);
      out->setConcurrency(each.getCredits());
      if (!of.takes) {
        out->setHealth(schema::Health::DRAINING);
      } else if (each.getCredits() == 0 &&
                 (status.getHealth() == schema::Health::HEALTHY || status.getHeld())) {
        out->setHealth(schema::Health::BUSY);
      }
      auto next = out.finish();
      auto known = before.find(called);
      auto same = known != before.end() &&
                  std::equal(known->second.bytes().begin(), known->second.bytes().end(),
                             next.bytes().begin(), next.bytes().end());
      if (!same) self->send(router, offer_atom_v, next, caf::actor_cast<engine_actor>(self));
      of.told.insert_or_assign(std::move(called), std::move(next));
    }
  }
  for (const auto& [called, status] : before)
    if (of.told.count(called) == 0) self->send(router, gone_atom_v, called);
}

void exchange_state::wire(pointer self) {
  self->send(router, wire_atom_v, caf::actor_cast<engine_listener>(self));
  for (const auto& [incarnation, of] : peers)
    for (const auto& [called, status] : of.told)
      self->send(router, offer_atom_v, status, caf::actor_cast<engine_actor>(self));
}

tmsg::offer exchange_state::list() const {
  std::vector<std::pair<const peer*, unsigned>> all;
  for (const auto& [incarnation, of] : peers) {
    if (of.heard == 0) continue;
    auto count = of.offered.read()->getEngines().size();
    for (unsigned i = 0; i < count; ++i) all.emplace_back(&of, i);
  }
  message_builder<schema::Offer> out;
  out->setIncarnation(config.incarnation);
  auto list = out->initEngines(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto [of, place] = all[i];
    auto offer = of->offered.read();
    auto each = offer->getEngines()[place];
    list.setWithCaveats(i, each);
    auto called = std::string{view(each.getStatus().getName())} + "@" + of->name;
    list[i].getStatus().setName(called);
    auto reason = why_not(each.getStatus());
    if (reason.empty() && !of->takes) reason = "node '" + of->name + "' takes no new work";
    if (!reason.empty()) list[i].setReason(reason);
  }
  return out.finish();
}

tmsg::engrep exchange_state::report(std::string_view engine) const {
  message_builder<schema::EngineReport> out;
  auto all = list();
  auto reader = all.read();
  for (auto each : reader->getEngines()) {
    if (view(each.getStatus().getName()) != engine) continue;
    out->setStatus(each.getStatus());
    auto check = out->initChecks(1)[0];
    check.setWhat("offered to this node");
    check.setOk(each.getReason().size() == 0 && each.getCredits() != 0);
    check.setDetail(each.getReason().size() != 0
                        ? std::string{view(each.getReason())}
                        : std::to_string(each.getCredits()) + " attempts at once");
  }
  return out.finish();
}

exchange_actor::behavior_type exchange_behavior(exchange_state::pointer self,
                                                exchange_config config, router_inside router) {
  self->state.next_id = std::max<std::uint64_t>(config.first_id, 1);
  self->state.config = std::move(config);
  self->state.router = std::move(router);
  self->state.port = attempt_port{self};
  self->state.wire(self);
  return {
      [self](done_atom, std::uint64_t call, const tmsg::attres& result) {
        if (self->state.port.is_from_it(self->current_sender()))
          self->state.on_guest_reply(self, call, result);
      },
      [self](done_atom, std::uint64_t call, const caf::error& err) {
        if (self->state.port.is_from_it(self->current_sender()))
          self->state.on_no_guest_reply(self, call, err);
      },
      // Within the node: as an engine.
      [self](attempt_atom, const tmsg::attempt& attempt, const tmsg::decisn& decision,
             const chunk_sink& sink) {
        auto promise = self->make_response_promise<tmsg::attres>();
        self->state.take(
            self, {.attempt = attempt, .decision = decision, .sink = sink, .promise = promise});
        return promise;
      },
      [self](cancel_atom, const tmsg::cancel& request) { self->state.cancel(self, request); },
      [self](engine_atom) {
        message_builder<schema::EngineStatus> out;
        out->setName("exchange");
        out->setKind("exchange");
        return out.finish();
      },
      [self](engine_atom, const tmsg::engqry& query) {
        return self->state.report(view(query.read()->getName()));
      },
      [self](status_atom) {
        auto& state = self->state;
        std::size_t waiting = 0;
        for (const auto& [incarnation, of] : state.peers) waiting += of.line.size();
        return actor_status({.name = "exchange",
                             .kind = "exchange",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.tasks.size(),
                             .queued = waiting,
                             .handled = state.handled,
                             .noun = "attempts"});
      },
      [self](list_atom) { return self->state.list(); },
      // Of this node's engines, from the router; their chunks for others.
      [self](engine_atom, const tmsg::engstat& status, const engine_actor& engine) {
        self->state.on_engine(self, status, engine);
      },
      [self](gone_atom, const std::string& engine) { self->state.on_engine_gone(self, engine); },
      [self](load_atom, const std::string& engine, std::uint32_t in_flight) {
        self->state.ledger.set_own(engine, in_flight);
        self->state.set_offers(self);
      },
      [self](chunk_atom, const tmsg::chunk& chunk) { self->state.on_guest_chunk(self, chunk); },
      [self](wire_atom, const engine_warmer_actor& warmer) { self->state.warmer = warmer; },
      [self](wire_atom, const router_inside& router) {
        self->state.router = router;
        self->state.wire(self);
      },
      [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
        self->state.on_member(self, *member.read(), handles);
      },
      [self](wake_atom) { self->state.send_offers(self); },
      [self](expire_atom) { self->state.expire(self); },
      // From other exchanges.
      [self](offer_atom, const tmsg::offer& offer) {
        auto& state = self->state;
        if (auto* from = state.sender(self, offer.read()->getIncarnation()))
          state.on_offer(self, *from, offer);
      },
      [self](work_atom, const tmsg::work& work, const tmsg::decisn& decision,
             const tmsg::attempt& attempt) {
        auto& state = self->state;
        auto head = work.read();
        auto* from = state.sender(self, head->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(decision.bytes().size() + attempt.bytes().size()));
        state.on_work(self, *from, head->getId(), view(head->getEngine()), decision, attempt);
      },
      [self](work_atom, const tmsg::work& work, const tmsg::decisn& decision) {
        auto& state = self->state;
        auto head = work.read();
        auto* from = state.sender(self, head->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(decision.bytes().size()));
        if (auto attempt = state.assembled<schema::Attempt>(*from, head->getId()))
          state.on_work(self, *from, head->getId(), view(head->getEngine()), decision, *attempt);
        else
          state.on_no_work(self, *from, head->getId());
      },
      [self](chunk_atom, const tmsg::workchnk& head, const tmsg::chunk& chunk) {
        auto& state = self->state;
        auto* from = state.sender(self, head.read()->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(chunk.bytes().size()));
        state.on_chunk(self, *from, head.read()->getId(), chunk);
      },
      [self](chunk_atom, const tmsg::workchnk& head) {
        auto& state = self->state;
        auto* from = state.sender(self, head.read()->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(0));
        if (auto chunk = state.assembled<schema::TextChunk>(*from, head.read()->getId()))
          state.on_chunk(self, *from, head.read()->getId(), *chunk);
        else
          ++state.dropped;
      },
      [self](result_atom, const tmsg::workres& head, const tmsg::attres& result) {
        auto& state = self->state;
        auto* from = state.sender(self, head.read()->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(result.bytes().size()));
        state.on_result(*from, head.read()->getId(), result);
      },
      [self](result_atom, const tmsg::workres& head) {
        auto& state = self->state;
        auto* from = state.sender(self, head.read()->getFrom());
        if (from == nullptr) return;
        state.received(self, *from, counted(0));
        if (auto result = state.assembled<schema::AttemptResult>(*from, head.read()->getId()))
          state.on_result(*from, head.read()->getId(), *result);
        else
          state.on_no_result(*from, head.read()->getId());
      },
      [self](cancel_atom, const tmsg::workcncl& request) {
        auto& state = self->state;
        auto reader = request.read();
        if (auto* from = state.sender(self, reader->getFrom()))
          state.on_cancel(self, *from, reader->getId(), view(reader->getReason()));
      },
      [self](piece_atom, const tmsg::piece& piece) {
        auto& state = self->state;
        auto reader = piece.read();
        if (auto* from = state.sender(self, reader->getFrom()))
          state.on_piece(self, *from, *reader);
      },
      [self](receipt_atom, const tmsg::receipt& receipt) {
        auto& state = self->state;
        auto reader = receipt.read();
        if (auto* from = state.sender(self, reader->getFrom()))
          state.on_receipt(self, *from, reader->getBytes());
      }};
}

}  // namespace tandem
