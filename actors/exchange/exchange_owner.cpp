// Attempts of other nodes at this node's engines.

#include <algorithm>

#include "actors/exchange/exchange.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t reason_bytes_max = 200;
/// Of one node; what is more is not offered.
constexpr std::size_t offered_max = 500;
/// Attempts of one node that are at work here; one alone is always taken.
constexpr std::uint64_t guest_bytes_max = std::uint64_t{256} << 20;

std::uint32_t places(schema::EngineStatus::Reader status) {
  // A held one still serves the jobs that began with its weights, of other nodes too.
  auto is_held = status.getHealth() == schema::Health::UPDATING && status.getHeld();
  if (status.getHealth() != schema::Health::HEALTHY && !is_held) return 0;
  return std::max(status.getLimit() == 0 ? status.getConcurrency() : status.getLimit(), 1u);
}

/// What others decide by, and what they show; not the load, which changes with each attempt.
void copy_offered(schema::EngineStatus::Builder out, schema::EngineStatus::Reader from) {
  out.setName(from.getName());
  out.setKind(from.getKind());
  out.setModel(from.getModel());
  out.setTier(from.getTier());
  out.setWeightVersion(from.getWeightVersion());
  out.setProfile(from.getProfile());
  out.setProcessId(from.getProcessId());
  out.setHealth(from.getHealth());
  out.setLastError(std::string{cut(view(from.getLastError()), reason_bytes_max)});
  out.setConcurrency(from.getConcurrency());
  out.setContextTokens(from.getContextTokens());
  out.setSimulated(from.getSimulated());
  out.setBusyUntilMs(from.getBusyUntilMs());
  out.setHeld(from.getHeld());
  if (from.getWeightsFixed().size() != 0)
    out.setWeightsFixed(std::string{cut(view(from.getWeightsFixed()), reason_bytes_max)});
  out.setBusyUs(from.getBusyUs());
  out.setEmbeds(from.getEmbeds());
  out.setPassesOn(from.getPassesOn());
}

}  // namespace

void exchange_state::on_engine(pointer self, const tmsg::engstat& status,
                               const engine_actor& engine) {
  auto reader = status.read();
  std::string called{view(reader->getName())};
  ledger.set_engine(called, places(*reader));
  engines.insert_or_assign(std::move(called), local_engine{status, engine});
  for (auto& [incarnation, to] : peers) to.offer_due = true;
  set_offers(self);
}

void exchange_state::on_engine_gone(pointer self, std::string_view engine) {
  auto found = engines.find(engine);
  if (found == engines.end()) return;
  engines.erase(found);
  ledger.remove_engine(engine);
  for (auto& [incarnation, to] : peers) to.offer_due = true;
  set_offers(self);
}

void exchange_state::set_offers(pointer self) {
  if (std::exchange(offers_set, true)) return;
  auto now = self->clock().now();
  auto at = offers_at + config.offer_pause;
  if (at > now)
    self->delayed_send(self, at - now, wake_atom_v);
  else
    self->send(self, wake_atom_v);
}

void exchange_state::send_offers(pointer self) {
  offers_set = false;
  offers_at = self->clock().now();
  for (auto who : ledger.divide())
    if (auto found = peers.find(who); found != peers.end()) found->second.offer_due = true;
  for (auto& [incarnation, to] : peers) {
    // One that has stopped reading hears of it when it reads again.
    if (!to.offer_due || !to.line.empty()) continue;
    to.offer_due = false;
    self->send(to.handle, offer_atom_v, make_offer(to));
  }
}

tmsg::offer exchange_state::make_offer(peer& to) {
  message_builder<schema::Offer> out;
  out->setIncarnation(config.incarnation);
  out->setNumber(++to.offers);
  out->setHeard(to.heard);
  auto list = out->initEngines(static_cast<unsigned>(std::min(engines.size(), offered_max)));
  unsigned place = 0;
  for (const auto& [called, engine] : engines) {
    if (place == list.size()) break;
    auto each = list[place++];
    copy_offered(each.initStatus(), *engine.status.read());
    each.setCredits(ledger.granted(called, to.incarnation));
  }
  return out.finish();
}

void exchange_state::on_work(pointer self, peer& from, std::uint64_t id, std::string_view engine,
                             const tmsg::decisn& decision, const tmsg::attempt& attempt) {
  // It is being answered already.
  if (from.guests.count(id) != 0) {
    ++dropped;
    return;
  }
  auto refuse = [&](errc code, const std::string& why) {
    parcel what{.what = parcel::kind::result, .id = id};
    what.result = no_call(attempt, decision, code, why);
    if (!post(self, from, what)) hold(from, std::move(what));
  };
  if (from.guests.size() >= config.peer_work_max)
    return refuse(errc::overloaded,
                  "the node has as many attempts of this one as it takes (cluster.peer_work_max)");
  auto bytes = attempt.bytes().size();
  if (!from.guests.empty() && from.guest_bytes + bytes > guest_bytes_max)
    return refuse(errc::overloaded,
                  "the node has as many bytes of this one's attempts as it holds");
  auto found = engines.find(engine);
  if (found == engines.end())
    return refuse(errc::unavailable, "there is no engine '" + std::string{engine} + "' any more");
  auto reader = attempt.read();
  fence_key fence{reader->getFence()};
  if (reader->getStream() && !streams.try_emplace(fence, from.incarnation, id).second)
    return refuse(errc::unavailable, "the same attempt is at work there already");
  guest next{.attempt = attempt,
             .decision = decision,
             .engine = std::string{engine},
             .handle = found->second.handle,
             .stream = reader->getStream()};
  ledger.begin(engine, from.incarnation);
  set_offers(self);
  auto incarnation = from.incarnation;
  auto sink = next.stream ? caf::actor_cast<chunk_sink>(self) : chunk_sink{};
  auto handle = next.handle;
  from.guests.emplace(id, std::move(next));
  from.guest_bytes += bytes;
  auto call = next_guest_call++;
  guest_calls.emplace(call, std::pair{incarnation, id});
  port.send(self, call, handle, attempt, decision, sink);
  if (warmer) self->send(warmer, warm_atom_v, std::string{engine}, attempt, decision);
}

void exchange_state::on_guest_reply(pointer self, std::uint64_t call, const tmsg::attres& result) {
  auto found = guest_calls.find(call);
  if (found == guest_calls.end()) return;
  auto [incarnation, id] = found->second;
  guest_calls.erase(found);
  on_guest_result(self, incarnation, id, result);
}

void exchange_state::on_no_guest_reply(pointer self, std::uint64_t call, const caf::error& err) {
  auto found = guest_calls.find(call);
  if (found == guest_calls.end()) return;
  auto [incarnation, id] = found->second;
  guest_calls.erase(found);
  auto peer = peers.find(incarnation);
  if (peer == peers.end()) return;
  auto guest = peer->second.guests.find(id);
  if (guest == peer->second.guests.end()) return;
  on_guest_result(
      self, incarnation, id,
      no_call(guest->second.attempt, guest->second.decision, errc::engine_failed, message_of(err)));
}

void exchange_state::on_no_work(pointer self, peer& from, std::uint64_t id) {
  ++dropped;
  message_builder<schema::WorkResult> out;
  out->setId(id);
  out->setFrom(config.incarnation);
  from.window.sent(counted(0));
  self->send(from.handle, result_atom_v, out.finish());
}

void exchange_state::hold(peer& to, parcel what) {
  // Small, and no more than its origin can wait for.
  if (to.line.size() < 2 * std::size_t{config.peer_work_max})
    to.line.push_back(std::move(what));
  else
    ++dropped;
}

void exchange_state::on_guest_chunk(pointer self, const tmsg::chunk& chunk) {
  auto stream = streams.find(fence_key{chunk.read()->getFence()});
  if (stream == streams.end()) return;
  auto peer = peers.find(stream->second.first);
  if (peer == peers.end()) return;
  parcel what{.what = parcel::kind::chunk, .id = stream->second.second};
  what.chunk = chunk;
  // A reader that is too slow misses chunks: their numbers show it, and the result has all.
  if (!post(self, peer->second, std::move(what))) ++dropped;
}

void exchange_state::on_guest_result(pointer self, std::uint64_t from, std::uint64_t id,
                                     const tmsg::attres& result) {
  auto peer = peers.find(from);
  if (peer == peers.end()) return;
  auto found = peer->second.guests.find(id);
  if (found == peer->second.guests.end()) return;
  auto done = std::move(found->second);
  peer->second.guests.erase(found);
  peer->second.guest_bytes -= done.attempt.bytes().size();
  if (done.stream) streams.erase(fence_key{done.attempt.read()->getFence()});
  ledger.end(done.engine, from);
  set_offers(self);
  ++handled;
  if (warmer && result.read()->getUsage().getCachedPromptTokens() != 0)
    self->send(warmer, warm_atom_v, done.engine, result);
  parcel what{.what = parcel::kind::result, .id = id};
  what.result = result;
  auto too_large = result.bytes().size() > payload_bytes_max;
  if (!too_large && post(self, peer->second, what)) return;
  // What it has cost is told whatever happens: one small message for each attempt that was taken.
  message_builder<schema::AttemptResult> dear;
  // Too large here is too large everywhere: nobody is to buy it twice.
  auto why = too_large ? no_call(done.attempt, done.decision, errc::invalid_output,
                                 "the reply is larger than the " +
                                     std::to_string(payload_bytes_max >> 20) +
                                     " MiB that go from node to node; ask for less, or an engine "
                                     "of the node itself")
                       : no_call(done.attempt, done.decision, errc::engine_failed,
                                 "the reply found no room on its way back: the node does not read "
                                 "fast enough (cluster.peer_bytes_max)");
  dear.copy(*why.read());
  dear->setUsage(result.read()->getUsage());
  what.result = dear.finish();
  if (!post(self, peer->second, what)) hold(peer->second, std::move(what));
}

void exchange_state::on_cancel(pointer self, peer& from, std::uint64_t id,
                               std::string_view reason) {
  auto found = from.guests.find(id);
  if (found == from.guests.end()) return;
  message_builder<schema::Cancel> out;
  out->setFence(found->second.attempt.read()->getFence());
  out->setReason(text(cut(reason, reason_bytes_max)));
  self->send(found->second.handle, cancel_atom_v, out.finish());
}

}  // namespace tandem
