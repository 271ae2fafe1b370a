#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <caf/error.hpp>

#include "schema/exchange.capnp.h"
#include "schema/message.hpp"

namespace tandem {

/// A payload above this goes as pieces of as much.
inline constexpr std::size_t piece_bytes_max = std::size_t{256} << 10;

/// Puts the pieces of one peer's payloads together: one payload at a time, in order, without gaps.
/// Memory grows with what has come, not with what was announced, and ends at one message's limit.
/// No actors.
class piece_assembly {
 public:
  /// `malformed_message` says what is wrong; what had come of the payload is dropped then.
  [[nodiscard]] caf::error add(schema::Piece::Reader piece);

  /// The whole payload of this id, once; none: it is not there, and what there was is dropped.
  [[nodiscard]] std::optional<std::vector<std::byte>> take(std::uint64_t id);

  [[nodiscard]] std::size_t held_bytes() const { return bytes_.size(); }

 private:
  caf::error drop(const char* why);

  std::uint64_t id_ = 0;
  std::size_t size_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace tandem
