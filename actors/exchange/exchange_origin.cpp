// Attempts of this node at engines of others.

#include <algorithm>

#include "actors/exchange/exchange.hpp"
#include "actors/job/job_records.hpp"
#include "schema/text.hpp"

namespace tandem {

tmsg::attres no_call(const tmsg::attempt& attempt, const tmsg::decisn& decision, errc code,
                     std::string_view message, bool begun) {
  auto made = decision.read();
  message_builder<schema::AttemptResult> result;
  result->setFence(attempt.read()->getFence());
  result->setFinish(code == errc::cancelled ? schema::Finish::CANCELLED : schema::Finish::ERROR);
  write_error(result->initError(), code, message);
  result->setEngine(made->getEngine());
  result->setModel(made->getModel());
  result->setTier(made->getTier());
  result->setDecision(made->getId());
  result->setBegun(begun);
  return result.finish();
}

exchange_state::~exchange_state() {
  for (auto& [id, task] : tasks)
    task.promise.deliver(no_call(task.attempt, task.decision, errc::unavailable,
                                 "the exchange has stopped", task.begun));
  for (auto& [incarnation, peer] : peers) {
    for (auto& [id, guest] : peer.guests) {
      message_builder<schema::Cancel> out;
      out->setFence(guest.attempt.read()->getFence());
      out->setReason("the exchange has stopped");
      caf::anon_send(guest.handle, cancel_atom_v, out.finish());
    }
  }
}

void exchange_state::take(pointer self, task next) {
  std::string wanted{view(next.decision.read()->getEngine())};
  auto refuse = [&next](errc code, const std::string& why) {
    next.promise.deliver(no_call(next.attempt, next.decision, code, why));
  };
  if (next.attempt.bytes().size() > payload_bytes_max)
    return refuse(errc::invalid_argument,
                  "the request is larger than the " + std::to_string(payload_bytes_max >> 20) +
                      " MiB that go from node to node; ask an engine of this node");
  auto owner = std::find_if(peers.begin(), peers.end(), [&wanted](const auto& entry) {
    return entry.second.told.count(wanted) != 0;
  });
  if (owner == peers.end())
    return refuse(errc::unavailable, "no node offers an engine '" + wanted + "' now");
  auto& to = owner->second;
  if (to.tasks.size() >= config.peer_work_max)
    return refuse(errc::overloaded, "node '" + to.name +
                                        "' has as many attempts of this node as it may "
                                        "(cluster.peer_work_max)");
  auto id = next_id++;
  parcel what{.what = parcel::kind::work,
              .id = id,
              .engine = wanted.substr(0, wanted.size() - to.name.size() - 1),
              .decision = next.decision,
              .attempt = next.attempt};
  if (!post(self, to, std::move(what)))
    return refuse(errc::overloaded, "node '" + to.name +
                                        "' does not take in what it is sent fast enough "
                                        "(cluster.peer_bytes_max)");
  next.peer = owner->first;
  to.tasks.insert(id);
  task_ids.emplace(fence_key{next.attempt.read()->getFence()}, id);
  tasks.emplace(id, std::move(next));
}

void exchange_state::answer(std::uint64_t id, tmsg::attres result) {
  auto found = tasks.find(id);
  if (found == tasks.end()) return;
  auto done = std::move(found->second);
  tasks.erase(found);
  auto [first, last] = task_ids.equal_range(fence_key{done.attempt.read()->getFence()});
  for (auto i = first; i != last; ++i) {
    if (i->second != id) continue;
    task_ids.erase(i);
    break;
  }
  if (auto of = peers.find(done.peer); of != peers.end()) of->second.tasks.erase(id);
  ++handled;
  done.promise.deliver(std::move(result));
}

void exchange_state::cancel(pointer self, const tmsg::cancel& request) {
  auto reader = request.read();
  std::vector<std::uint64_t> ids;
  auto [first, last] = task_ids.equal_range(fence_key{reader->getFence()});
  for (auto i = first; i != last; ++i) ids.push_back(i->second);
  for (auto id : ids) {
    auto& of = tasks.at(id);
    auto& to = peers.at(of.peer);
    auto waits = std::find_if(to.line.begin(), to.line.end(), [id](const parcel& each) {
      return each.what == parcel::kind::work && each.id == id;
    });
    if (waits != to.line.end()) {
      to.window.waited(waits->bytes());
      to.line.erase(waits);
      answer(id, no_call(of.attempt, of.decision, errc::cancelled, "cancelled before it began"));
      pump(self, to);
      continue;
    }
    if (std::exchange(of.cancelled, true)) continue;
    message_builder<schema::WorkCancel> out;
    out->setId(id);
    out->setFrom(config.incarnation);
    out->setReason(reader->getReason());
    // Its reply says what it has cost by then.
    self->send(to.handle, cancel_atom_v, out.finish());
    given_up.emplace_back(self->clock().now() + config.cancel_grace, id);
    set_expire(self);
  }
}

void exchange_state::set_expire(pointer self) {
  if (given_up.empty() || std::exchange(expire_set, true)) return;
  self->delayed_send(
      self, std::max(clock::duration::zero(), given_up.front().first - self->clock().now()),
      expire_atom_v);
}

void exchange_state::expire(pointer self) {
  expire_set = false;
  auto now = self->clock().now();
  while (!given_up.empty() && given_up.front().first <= now) {
    auto id = given_up.front().second;
    given_up.pop_front();
    if (auto found = tasks.find(id); found != tasks.end())
      answer(id, no_call(found->second.attempt, found->second.decision, errc::cancelled,
                         "its node did not answer the cancel", found->second.begun));
  }
  set_expire(self);
}

void exchange_state::on_offer(pointer self, peer& from, const tmsg::offer& offer) {
  auto reader = offer.read();
  // It does not know what is here.
  if (reader->getHeard() == 0 && from.offers != 0) {
    from.offer_due = true;
    set_offers(self);
  }
  if (reader->getNumber() <= from.heard) return;
  from.heard = reader->getNumber();
  from.offered = offer;
  register_engines(self, from);
}

void exchange_state::on_chunk(pointer self, peer& from, std::uint64_t id,
                              const tmsg::chunk& chunk) {
  auto found = tasks.find(id);
  if (found == tasks.end() || found->second.peer != from.incarnation) return;
  auto& of = found->second;
  if (!(fence_key{chunk.read()->getFence()} == fence_key{of.attempt.read()->getFence()})) {
    ++dropped;
    return;
  }
  if (!of.sink) return;
  of.begun = true;
  self->send(of.sink, chunk_atom_v, chunk);
}

void exchange_state::on_no_result(peer& from, std::uint64_t id) {
  ++dropped;
  auto found = tasks.find(id);
  if (found == tasks.end() || found->second.peer != from.incarnation) return;
  answer(id, no_call(found->second.attempt, found->second.decision, errc::engine_failed,
                     "node '" + from.name +
                         "' and this one did not understand each other: pieces "
                         "of a message were lost",
                     found->second.begun));
}

void exchange_state::on_result(peer& from, std::uint64_t id, const tmsg::attres& result) {
  auto found = tasks.find(id);
  if (found == tasks.end() || found->second.peer != from.incarnation) return;
  const auto& of = found->second;
  auto reader = result.read();
  auto decision = of.decision.read();
  if (!(fence_key{reader->getFence()} == fence_key{of.attempt.read()->getFence()})) {
    ++dropped;
    return answer(id, no_call(of.attempt, of.decision, errc::engine_failed,
                              "node '" + from.name + "' answered for another attempt", of.begun));
  }
  auto refused = reader->getError().getCode() == schema::Errc::OVERLOADED ||
                 reader->getError().getCode() == schema::Errc::UNAVAILABLE;
  if (view(reader->getEngine()) == view(decision->getEngine()) && !(refused && of.begun))
    return answer(id, result);
  message_builder<schema::AttemptResult> mended;
  mended.copy(*reader);
  mended->setEngine(decision->getEngine());
  mended->setBegun(of.begun);
  answer(id, mended.finish());
}

}  // namespace tandem
