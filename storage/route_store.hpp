#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/types.hpp"
#include "storage/store_figures.hpp"

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

struct route_store_options {
  /// Owned by one process at a time; made with mode 0700 when it is not there. Folders beside it,
  /// `<folder>.damaged-<n>`, are ours too.
  std::filesystem::path folder;
  /// The oldest decisions above this number are dropped; at least 1.
  std::uint64_t decisions_kept = 200'000;
  /// RocksDB's write buffers and block cache together.
  std::size_t memory_bytes_max = 6u << 20;
  /// Below RocksDB, for fault tests; nothing: the default one.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// Some bytes under a name: a tenant's dual price, the judge's figures. Empty bytes: there is none.
struct route_state {
  std::string name;
  std::string bytes;
};

/// What changes together: written whole or not at all. Messages are shared, not copied.
struct route_batch {
  /// Each replaces the one of its origin, purpose and model.
  std::vector<tmsg::armstat> statistics;
  /// New ones, and old ones that got rewards; each replaces the one of its id.
  std::vector<tmsg::decrec> decisions;
  /// In their order.
  std::vector<tmsg::rtchg> changes;
  /// Empty: as it was.
  tmsg::rtset setting;
  std::vector<route_state> states;
  /// Removed before all the above is written: all statistics of these origins, these decisions.
  std::vector<std::uint64_t> forgotten_origins;
  std::vector<std::uint64_t> forgotten_decisions;

  [[nodiscard]] bool empty() const;
  /// `invalid_argument`: an empty message, one above 1 MiB, a model or a name above 1024 bytes, a
  /// state above 1 MiB, a decision without an id.
  [[nodiscard]] caf::error check() const;
};

struct route_page {
  std::vector<tmsg::decrec> decisions;
  /// There are more behind the last one.
  bool more = false;
};

/// What a router starts from.
struct route_memory {
  std::vector<tmsg::armstat> statistics;
  /// Empty: there was none.
  tmsg::rtset setting;
  std::vector<route_state> states;
  /// Newest first.
  std::vector<tmsg::decrec> decisions;
  /// One sentence for each record, or folder, that could not be read.
  std::vector<std::string> set_aside;
};

/// What one node's router has learned and decided, in a database of its own beside the journal.
///
/// Nothing is synced: a kill -9 loses nothing that was written, a power cut the last seconds. What
/// of a batch survives is all of it or nothing, so a reward is in the statistics if and only if it
/// is marked in its decision.
///
/// Every record has a format version and a CRC-32C (route_record.hpp). One that is damaged, or from
/// a later version, is never given out: it is named in set_aside(). At an opening damaged
/// statistics, settings, states and changes are moved to a corner of the database (at most 100
/// are kept there); those from a later version stay where they are until something of the same key
/// is written. A database that cannot be opened at all is moved to `<folder>.damaged-<n>` (the
/// newest three are kept) and an empty one begun.
///
/// Contents are not judged here beyond their form: a message that was valid when it was written is
/// what is read; numbers within are for the learner to check.
///
/// Any thread; calls wait for each other. Errors: `locked`, `storage_failed` (disk full, read-only,
/// no permission), `invalid_argument` for a batch, `not_found` and `corrupted` for a decision.
/// After a failed write the next one opens the database again first; where that fails too, reads
/// are `storage_failed` until it does not.
class route_store {
 public:
  [[nodiscard]] static caf::expected<std::unique_ptr<route_store>> open(
      const route_store_options& options);
  ~route_store();

  [[nodiscard]] caf::error write(const route_batch& batch);

  /// Everything for a start, and the newest `decisions_max` decisions, at most 64 MiB of them. What
  /// cannot be read is a sentence in it, never an error.
  [[nodiscard]] route_memory load(std::size_t decisions_max) const;

  [[nodiscard]] caf::expected<tmsg::decrec> decision(std::uint64_t id) const;
  /// Decisions in the order of their arrival, from the one behind `after` on; from the oldest one
  /// where `after` is 0 or no longer kept. At least one where there is one, then up to `limit` and
  /// `bytes_max` of messages; ones that cannot be read are left out.
  [[nodiscard]] caf::expected<route_page> decisions_after(std::uint64_t after, std::size_t limit,
                                                          std::size_t bytes_max) const;
  /// Newest first. They are kept for ever.
  [[nodiscard]] caf::expected<std::vector<tmsg::rtchg>> changes(std::size_t limit) const;

  [[nodiscard]] std::uint64_t decisions_kept() const;
  [[nodiscard]] store_figures database() const;
  /// What was found since the opening, at most 100 sentences, the last of which says how many more.
  [[nodiscard]] std::vector<std::string> set_aside() const;

 private:
  struct state;
  explicit route_store(std::unique_ptr<state> state);
  std::unique_ptr<state> state_;
};

}  // namespace tandem::storage
