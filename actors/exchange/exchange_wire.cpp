// Bytes to and from one peer: windows, lines, pieces, receipts.

#include "actors/exchange/exchange.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

template <class Header>
message<Header> header(std::uint64_t id, std::uint64_t from) {
  message_builder<Header> out;
  out->setId(id);
  out->setFrom(from);
  return out.finish();
}

tmsg::work work_header(const exchange_state::parcel& what, std::uint64_t from) {
  message_builder<schema::Work> out;
  out->setId(what.id);
  out->setFrom(from);
  out->setEngine(what.engine);
  return out.finish();
}

}  // namespace

std::span<const std::byte> exchange_state::parcel::payload() const {
  switch (what) {
    case kind::work:
      return attempt.bytes();
    case kind::chunk:
      return chunk.bytes();
    case kind::result:
      break;
  }
  return result.bytes();
}

std::uint64_t exchange_state::parcel::bytes() const {
  return counted(payload().size()) + decision.bytes().size();
}

exchange_state::peer* exchange_state::sender(pointer self, std::uint64_t incarnation) {
  auto found = peers.find(incarnation);
  if (found != peers.end() &&
      found->second.handle.address() == caf::actor_cast<caf::actor_addr>(self->current_sender()))
    return &found->second;
  ++dropped;
  return nullptr;
}

void exchange_state::received(pointer self, peer& from, std::uint64_t bytes) {
  auto due = from.window.received(bytes);
  if (!due) return;
  message_builder<schema::Receipt> out;
  out->setBytes(*due);
  out->setFrom(config.incarnation);
  self->send(from.handle, receipt_atom_v, out.finish());
}

bool exchange_state::post(pointer self, peer& to, parcel what) {
  if (to.line.empty() && send(self, to, what)) return true;
  // What has gone as pieces counts all the same: as much is given back when it leaves.
  // A first piece may be under way already: then the rest must follow, full line or not.
  if (what.gone != 0)
    to.window.must_wait(what.bytes());
  else if (!to.window.wait(what.bytes()))
    return false;
  to.line.push_back(std::move(what));
  return true;
}

void exchange_state::pump(pointer self, peer& to) {
  while (!to.line.empty()) {
    if (!send(self, to, to.line.front())) return;
    to.window.waited(to.line.front().bytes());
    to.line.pop_front();
  }
}

bool exchange_state::send(pointer self, peer& to, parcel& what) {
  auto payload = what.payload();
  auto pieces = payload.size() > piece_bytes_max;
  while (pieces && what.gone < payload.size()) {
    auto part = payload.subspan(what.gone, std::min(piece_bytes_max, payload.size() - what.gone));
    if (!to.window.fits(counted(part.size()))) return false;
    message_builder<schema::Piece> out;
    out->setId(what.id);
    out->setFrom(config.incarnation);
    out->setOffset(static_cast<std::uint32_t>(what.gone));
    out->setSizeBytes(static_cast<std::uint32_t>(payload.size()));
    out->setData({reinterpret_cast<const kj::byte*>(part.data()), part.size()});
    to.window.sent(counted(part.size()));
    what.gone += part.size();
    self->send(to.handle, piece_atom_v, out.finish());
  }
  auto bytes = counted((pieces ? 0 : payload.size()) + what.decision.bytes().size());
  if (!to.window.fits(bytes)) return false;
  to.window.sent(bytes);
  auto me = config.incarnation;
  switch (what.what) {
    case parcel::kind::work:
      if (pieces)
        self->send(to.handle, work_atom_v, work_header(what, me), what.decision);
      else
        self->send(to.handle, work_atom_v, work_header(what, me), what.decision, what.attempt);
      break;
    case parcel::kind::chunk:
      if (pieces)
        self->send(to.handle, chunk_atom_v, header<schema::WorkChunk>(what.id, me));
      else
        self->send(to.handle, chunk_atom_v, header<schema::WorkChunk>(what.id, me), what.chunk);
      break;
    case parcel::kind::result:
      if (pieces)
        self->send(to.handle, result_atom_v, header<schema::WorkResult>(what.id, me));
      else
        self->send(to.handle, result_atom_v, header<schema::WorkResult>(what.id, me), what.result);
      break;
  }
  return true;
}

void exchange_state::on_receipt(pointer self, peer& from, std::uint64_t bytes) {
  from.window.receipt(bytes);
  pump(self, from);
  if (from.line.empty() && from.offer_due) set_offers(self);
}

void exchange_state::on_piece(pointer self, peer& from, schema::Piece::Reader piece) {
  if (from.pieces.add(piece)) ++dropped;
  received(self, from, counted(piece.getData().size()));
}

}  // namespace tandem
