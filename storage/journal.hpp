#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/ids.hpp"
#include "storage/replication.hpp"
#include "storage/store_figures.hpp"

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

/// What a commit waits for before it returns.
enum class durability : std::uint8_t {
  /// fdatasync: survives a power cut.
  sync,
  /// Handed to the operating system: survives kill -9 of the process.
  os,
  /// Waits for nothing: survives a clean stop; a crash may lose the newest batches, each as a
  /// whole. (Costs as much as
  /// `os` today, since without a log a crash could leave half a batch.)
  none,
};

struct journal_options {
  /// Owned by one process at a time; made with mode 0700 when it is not there.
  std::filesystem::path folder;
  /// Records above this lie in a file of their own beside the database.
  std::size_t inline_bytes_max = 64u << 10;
  /// A record above this is refused.
  std::size_t record_bytes_max = 64u << 20;
  /// RocksDB's write buffers and block cache together.
  std::size_t memory_bytes_max = 48u << 20;
  /// The write-ahead log's size at which buffers are flushed: bounds the time of a recovery.
  std::size_t log_bytes_max = 64u << 20;
  /// Opens a log that was damaged before its end and keeps what lies before the damage: for a
  /// person to set, once, after a power cut in the middle of a write left a hole that looks like
  /// damage. False: such a log is `corrupted`.
  bool accept_torn_log = false;
  /// Below RocksDB, for fault tests; nothing: the default one.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// What changes together: applied whole or not at all. Bytes are copied in.
class journal_batch {
 public:
  journal_batch();
  ~journal_batch();
  journal_batch(journal_batch&&) noexcept;
  journal_batch& operator=(journal_batch&&) noexcept;

  /// Record `number` (from 1) of job `job`. Writing one again replaces it.
  void put_record(std::uint64_t job, std::uint32_t number, std::span<const std::byte> record);
  /// The job's line in lists.
  void put_summary(std::uint64_t job, std::span<const std::byte> summary);
  /// The job is unfinished: recovery at boot finds it.
  void open_job(std::uint64_t job);
  void close_job(std::uint64_t job);
  /// `key` names the job from now on.
  void put_client_key(std::string_view tenant, std::string_view key, std::uint64_t job);
  /// Adds to what the tenant has spent in the hour (Unix time in milliseconds, cut to the hour)
  /// that `at_ms` lies in.
  void add_spending(std::string_view tenant, std::uint64_t at_ms, std::uint64_t tokens,
                    std::int64_t cost_nanousd);
  void clear();

  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool empty() const;

 private:
  friend class journal;
  struct state;
  std::unique_ptr<state> state_;
};

struct journal_record {
  std::uint32_t number = 0;
  std::vector<std::byte> bytes;
};

/// What one tenant has spent in one hour.
struct tenant_spending {
  std::string tenant;
  std::uint64_t hour_ms = 0;
  std::uint64_t tokens = 0;
  std::int64_t cost_nanousd = 0;
};

struct journal_figures {
  std::uint64_t commits = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t memory_bytes = 0;
};

class snapshot_reader;

/// The durable log of one data folder. Any thread may read while one thread commits. Errors:
/// `locked` (another process has it), `corrupted`, `storage_failed` (disk full, read-only, no
/// permission), `not_found`; each says what, where and how to mend it. After a failed commit or
/// purge every further one fails with the same error until the folder is opened again: what was
/// acknowledged before stays readable. A batch outside the limits (job 0 or the last one, record 0,
/// a record or summary above record_bytes_max, a tenant above 1024 bytes, a client key above 4096)
/// is `invalid_argument`: nothing of that commit is written, and the next one is welcome.
class journal {
 public:
  [[nodiscard]] static caf::expected<std::unique_ptr<journal>> open(const journal_options& options);
  ~journal();

  /// Random, made with the folder, unchanged for ever.
  [[nodiscard]] journal_id id() const;

  /// One write batch and at most one sync for all of `batches` (and one more for each record that
  /// lies beside the database).
  [[nodiscard]] caf::error commit(std::span<const journal_batch* const> batches, durability level);

  /// Above every number that was ever used here, also by purged jobs.
  [[nodiscard]] caf::expected<std::uint64_t> next_job_number() const;

  /// Unfinished jobs in ascending order.
  [[nodiscard]] caf::expected<std::vector<std::uint64_t>> open_jobs() const;

  /// Records of `job` with numbers above `after`, in order, until `visit` says false. A record
  /// whose bytes beside the database are missing or differ from their checksum is `corrupted`.
  [[nodiscard]] caf::error read_records(std::uint64_t job, std::uint32_t after,
                                        const std::function<bool(journal_record)>& visit) const;

  [[nodiscard]] caf::expected<std::vector<std::byte>> read_summary(std::uint64_t job) const;

  /// Summaries of jobs below `before` (0: all), newest first, until `visit` says false.
  [[nodiscard]] caf::error read_summaries(
      std::uint64_t before,
      const std::function<bool(std::uint64_t job, std::span<const std::byte> summary)>& visit)
      const;

  /// The same, oldest first, from `from` on: for retention.
  [[nodiscard]] caf::error read_summaries_oldest_first(
      std::uint64_t from,
      const std::function<bool(std::uint64_t job, std::span<const std::byte> summary)>& visit)
      const;

  [[nodiscard]] caf::expected<std::optional<std::uint64_t>> find_client_key(
      std::string_view tenant, std::string_view key) const;

  /// Of the hours since `from_ms`; those older than 62 days are one sum at hour 0.
  [[nodiscard]] std::vector<tenant_spending> spending(std::uint64_t from_ms) const;

  /// Removes all that is known of `job`, its client key and its files too; returns the bytes of its
  /// records, 0 when nothing is known of it. Counts as a commit: one thread at a time.
  [[nodiscard]] caf::expected<std::uint64_t> purge(std::uint64_t job);

  [[nodiscard]] journal_figures figures() const;
  [[nodiscard]] store_figures database() const;

  /// From now on this is the primary of `epoch`: every commit and purge gets the next sequence and
  /// is given to `sink` just before it is written here, the first at once: an empty one that begins
  /// the epoch, synced. `conflict` when the log knows this epoch or a later one. A commit that
  /// fails may have been given out.
  [[nodiscard]] caf::error start_epoch(std::uint64_t epoch, write_sink sink);
  /// Of the last commit; {0, 0} when it was never replicated.
  [[nodiscard]] log_position position() const;
  /// The name of this copy of the journal, see copy_folder.hpp; made when there is none.
  [[nodiscard]] caf::expected<std::uint64_t> copy() const;
  /// Everything as of now, for a copy. It must not outlive the journal.
  [[nodiscard]] caf::expected<std::unique_ptr<snapshot_reader>> snapshot();

 private:
  friend class replica;
  friend class snapshot_reader;
  friend class snapshot_writer;
  struct state;
  explicit journal(std::unique_ptr<state> state);
  std::unique_ptr<state> state_;
};

}  // namespace tandem::storage
