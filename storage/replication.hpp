#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

namespace tandem::storage {

/// Where a replicated log ends: the epoch that its last write was made in, and how many writes
/// there are. Two logs that have a write of the same position are the same up to it, since an epoch
/// has one primary, which writes each sequence once. {0, 0}: nothing was ever replicated.
struct log_position {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const log_position&, const log_position&) = default;
};

/// A record that lies beside the database, as a write carries it.
struct replica_file {
  std::uint64_t job = 0;
  std::uint32_t number = 0;
  std::uint64_t file = 0;
  std::string bytes;
};

/// One commit of a journal, as its copies apply it.
struct replica_write {
  log_position at;
  /// The epoch of the write before: one of a follower's that ends in another epoch has diverged.
  std::uint64_t previous_epoch = 0;
  /// RocksDB's own write batch.
  std::string batch;
  std::vector<replica_file> files;
};

/// What a follower does with a write that arrives.
enum class verdict : std::uint8_t {
  /// The next one.
  accept,
  /// It has it.
  duplicate,
  /// Some before it are missing.
  gap,
  /// What it has is not what the write follows: only a snapshot helps.
  diverged,
  /// Sent by a primary whose epoch is over.
  fenced,
};

/// The epoch of who sends it is looked at before; a new primary passes on writes of epochs before
/// its own.
[[nodiscard]] verdict judge(log_position have, log_position at, std::uint64_t previous_epoch);

/// Takes what a journal commits, in order, before the journal itself has written it. Called by the
/// thread that commits, and must not block.
using write_sink = std::function<void(replica_write)>;

/// What one write may have at most: larger ones are refused by followers.
inline constexpr std::size_t replica_write_bytes_max = std::size_t{192} << 20;

/// Batch and files as one text, for the wire and back; `malformed_message` when it is cut or lies
/// about its lengths.
[[nodiscard]] std::string encode_body(const replica_write& write);
[[nodiscard]] caf::error decode_body(std::string_view body, replica_write& to);

}  // namespace tandem::storage
