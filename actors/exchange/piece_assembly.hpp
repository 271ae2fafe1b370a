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

/// Of an attempt, chunk or result: what a client may send and a server may answer over HTTP comes
/// to more than one message carries. Text and body beside each other, with room to spare.
inline constexpr message_limits payload_limits{.words_max = (32u << 20) / sizeof(capnp::word),
                                               .nesting_max = 16};
inline constexpr std::size_t payload_bytes_max = payload_limits.words_max * sizeof(capnp::word);

/// Puts the pieces of one peer's payloads together: one payload at a time, in order, without gaps.
/// Memory grows with what has come, not with what was announced, and ends at payload_bytes_max.
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
