#include "actors/replication/write_log.hpp"

#include <algorithm>
#include <utility>

#include "schema/errc.hpp"

namespace tandem {

std::vector<tmsg::repwrite> to_messages(journal_id journal, std::uint64_t epoch,
                                        const storage::replica_write& write) {
  const auto body = storage::encode_body(write);
  const auto pieces = (body.size() + replica_piece_bytes - 1) / replica_piece_bytes;
  std::vector<tmsg::repwrite> messages;
  messages.reserve(pieces);
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto begin = i * replica_piece_bytes;
    const auto size = std::min(replica_piece_bytes, body.size() - begin);
    message_builder<schema::ReplicaWrite> message;
    message->setJournal(journal.value);
    message->setEpoch(epoch);
    message->setSequence(write.at.sequence);
    message->setBody({reinterpret_cast<const capnp::byte*>(body.data()) + begin, size});
    message->setPiece(static_cast<std::uint32_t>(i));
    message->setPieces(static_cast<std::uint32_t>(pieces));
    message->setWrittenEpoch(write.at.epoch);
    message->setPreviousEpoch(write.previous_epoch);
    messages.push_back(message.finish());
  }
  return messages;
}

caf::expected<std::vector<storage::replica_write>> write_assembler::add(
    schema::ReplicaWrite::Reader piece) {
  const storage::log_position at{piece.getWrittenEpoch(), piece.getSequence()};
  if (piece.getPiece() == 0) {
    at_ = at;
    next_piece_ = 0;
    body_.clear();
  }
  const auto bytes = piece.getBody();
  const bool in_place = at == at_ && piece.getPiece() == next_piece_ &&
                        next_piece_ < piece.getPieces() &&
                        bytes.size() <= storage::replica_write_bytes_max - body_.size();
  if (!in_place) {
    at_ = {};
    body_ = {};
    return std::vector<storage::replica_write>{};
  }
  body_.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  if (++next_piece_ < piece.getPieces()) return std::vector<storage::replica_write>{};
  storage::replica_write write;
  write.at = at;
  write.previous_epoch = piece.getPreviousEpoch();
  auto err = storage::decode_body(body_, write);
  body_.clear();
  at_ = {};
  if (err) return err;
  std::vector<storage::replica_write> whole;
  whole.push_back(std::move(write));
  return whole;
}

void write_log::add(entry write) {
  bytes_ += write.bytes;
  entries_.push_back(std::move(write));
  while (bytes_ > bytes_max_ && entries_.size() > 1) {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
  }
}

std::ptrdiff_t write_log::after(storage::log_position have) const {
  if (entries_.empty()) return -1;
  if (entries_.back().at == have) return static_cast<std::ptrdiff_t>(entries_.size());
  const auto first = entries_.front().at.sequence;
  const auto next = have.sequence + 1;
  if (next < first || next - first >= entries_.size()) return -1;
  const auto index = static_cast<std::ptrdiff_t>(next - first);
  return entries_[static_cast<std::size_t>(index)].previous_epoch == have.epoch ? index : -1;
}

}  // namespace tandem
