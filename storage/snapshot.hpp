#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/ids.hpp"
#include "storage/journal.hpp"
#include "storage/replication.hpp"

namespace tandem::storage {

/// Everything that a journal holds at one moment, as a stream of bytes. While it lives the database
/// keeps what it shows; commits go on beside it. A file that a purge removed meanwhile is left out:
/// the purge follows in the log. Memory: one chunk and one record. One thread; the journal outlives
/// it.
///
/// The stream is a sequence of entries: kind u8 (a family's number, or the kinds below), key length
/// u32, value length u32, key, value. A record that lies beside the database is followed by its
/// bytes in parts; the last entry says how many came before and their checksum.
class snapshot_reader {
 public:
  ~snapshot_reader();

  /// It holds everything up to here.
  [[nodiscard]] log_position position() const { return at_; }

  /// Up to `bytes_max` bytes from `offset` on: where the last call ended, or, for one that asks
  /// again, where it began; `invalid_argument` for any other. Empty: that was all.
  [[nodiscard]] caf::expected<std::string_view> read(std::uint64_t offset, std::size_t bytes_max);

 private:
  friend class journal;
  struct cursor;
  snapshot_reader(journal::state& from, log_position at);

  journal::state& from_;
  log_position at_;
  std::unique_ptr<cursor> cursor_;
  bool started_ = false;
  std::uint64_t offset_ = 0;
  std::string chunk_;
};

/// The other end: makes a copy beside `folder`, in `<folder>.new`, and puts it in the folder's
/// place when it is complete and durable; until then, and when it is destroyed before, the folder
/// is as it was. One thread.
class snapshot_writer {
 public:
  /// Begins anew; `copy` names the copy, 0: the folder's name, or a fresh one. `options.folder`
  /// is closed.
  [[nodiscard]] static caf::expected<std::unique_ptr<snapshot_writer>> begin(
      const journal_options& options, journal_id expected, std::uint64_t copy);
  ~snapshot_writer();

  /// Where the next bytes belong in the stream.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  /// The next bytes of the stream. `malformed_message` for what is no snapshot, another error when
  /// the disk fails; then begin anew.
  [[nodiscard]] caf::error add(std::string_view bytes);

  /// After the last bytes: checks that it is whole, makes it durable and puts it in place.
  [[nodiscard]] caf::error finish();

 private:
  struct sink;
  snapshot_writer(std::unique_ptr<sink> to);

  [[nodiscard]] caf::error add_entry(std::uint8_t kind, std::string_view key,
                                     std::string_view value);

  std::unique_ptr<sink> to_;
  std::uint64_t offset_ = 0;
  std::string rest_;
};

}  // namespace tandem::storage
