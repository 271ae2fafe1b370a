#include "actors/exchange/piece_assembly.hpp"

#include <utility>

#include "schema/errc.hpp"

namespace tandem {

caf::error piece_assembly::drop(const char* why) {
  bytes_ = {};
  size_ = 0;
  return make_error(errc::malformed_message, why);
}

caf::error piece_assembly::add(schema::Piece::Reader piece) {
  auto data = piece.getData();
  if (piece.getOffset() == 0) {
    bytes_ = {};
    id_ = piece.getId();
    size_ = piece.getSizeBytes();
  }
  if (size_ == 0 || size_ > payload_bytes_max)
    return drop("a payload in pieces is empty or above 32 MiB");
  if (piece.getId() != id_ || piece.getSizeBytes() != size_)
    return drop("a piece belongs to another payload than the one that is coming");
  if (piece.getOffset() != bytes_.size())
    return drop("a piece does not go on where the last ended");
  if (data.size() == 0 || data.size() > piece_bytes_max || data.size() > size_ - bytes_.size())
    return drop("a piece is empty, above its limit, or reaches beyond its payload");
  auto bytes = std::as_bytes(std::span{data.begin(), data.size()});
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return caf::none;
}

std::optional<std::vector<std::byte>> piece_assembly::take(std::uint64_t id) {
  auto whole = size_ != 0 && bytes_.size() == size_ && id == id_;
  size_ = 0;
  auto bytes = std::exchange(bytes_, {});
  if (!whole) return std::nullopt;
  return bytes;
}

}  // namespace tandem
