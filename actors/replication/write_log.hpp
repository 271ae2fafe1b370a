#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <caf/expected.hpp>

#include "schema/ids.hpp"
#include "schema/types.hpp"
#include "storage/replication.hpp"

namespace tandem {

/// What one ReplicaWrite carries of a body at most: CAF messages stay under 256 KiB.
inline constexpr std::size_t replica_piece_bytes = std::size_t{192} << 10;

/// A write as messages from the primary of `epoch`, in order.
[[nodiscard]] std::vector<tmsg::repwrite> to_messages(journal_id journal, std::uint64_t epoch,
                                                      const storage::replica_write& write);

/// Puts writes together from messages. Bounded: one write at a time.
class write_assembler {
 public:
  /// A whole write, when `piece` was its last one. Pieces out of place are dropped with what came
  /// before them: whoever sent them will hear of the gap. `malformed_message` for a body that is
  /// none.
  [[nodiscard]] caf::expected<std::vector<storage::replica_write>> add(
      schema::ReplicaWrite::Reader piece);

 private:
  storage::log_position at_;
  std::uint32_t next_piece_ = 0;
  std::string body_;
};

/// The last writes of a journal, for copies that lack only these. Bounded in bytes: the oldest go.
class write_log {
 public:
  struct entry {
    storage::log_position at;
    std::uint64_t previous_epoch = 0;
    std::vector<tmsg::repwrite> messages;
    std::size_t bytes = 0;
  };

  explicit write_log(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(entry write);
  /// The writes that follow `have`; nothing when some are gone, or `have` is of another past.
  [[nodiscard]] const std::deque<entry>& entries() const { return entries_; }
  /// Index of the first write that follows `have`, entries().size() when it has all; -1: it needs a
  /// snapshot.
  [[nodiscard]] std::ptrdiff_t after(storage::log_position have) const;

 private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<entry> entries_;
};

}  // namespace tandem
