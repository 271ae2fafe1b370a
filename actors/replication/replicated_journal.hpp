#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/journal/journal_config.hpp"
#include "actors/replication/copy_register.hpp"
#include "actors/replication/replica_set.hpp"
#include "actors/replication/replicated_journal_actor.hpp"
#include "actors/replication/write_log.hpp"
#include "storage/journal.hpp"
#include "storage/snapshot.hpp"

namespace tandem {

class node_metrics;

/// What a primary begins with: its register says that it is the primary of `epoch`.
struct replicated_journal_start {
  std::shared_ptr<storage::journal> store;
  journal_config config;
  replica_set_limits limits;
  std::uint64_t epoch = 0;
  agreed_copy self;
  std::vector<agreed_copy> in_sync;
  std::shared_ptr<copy_register> agreement;
  /// The last writes are kept in memory, for copies that lack only these.
  std::size_t log_bytes_max = std::size_t{32} << 20;
  /// Under way to one follower.
  std::size_t window_bytes_max = std::size_t{4} << 20;
  /// Group commits that wait for followers; more gather in the batch.
  std::size_t pipeline_max = 8;
  /// Null: nothing is counted.
  std::shared_ptr<node_metrics> metrics;
};

/// State of a primary's committer. Spawn it detached: it blocks in fdatasync.
struct replicated_journal_state {
  static constexpr const char* name = "journal";
  using pointer = replicated_journal_actor::stateful_pointer<replicated_journal_state>;
  using promise = caf::typed_response_promise<caf::ok_atom>;

  struct follower {
    replica_writer_actor writer;
    std::string node;
    /// Sent up to this sequence, and acknowledged.
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;
    /// It follows the log from here on; false: it has to take a snapshot first.
    bool follows = false;
  };
  /// A group commit that waits for followers.
  struct group {
    std::uint64_t sequence = 0;
    std::vector<promise> promises;
  };
  /// One at a time; a follower that asks for another one replaces it when it is idle.
  struct snapshot_for {
    std::uint64_t id = 0;
    std::uint64_t follower = 0;
    std::unique_ptr<storage::snapshot_reader> reader;
    replica_set::time used;
  };

  replicated_journal_start start;
  std::optional<replica_set> copies;
  std::optional<write_log> log;
  std::map<std::uint64_t, follower> followers;
  std::vector<snapshot_for> snapshots;
  std::uint64_t next_snapshot = 0;
  storage::journal_batch batch;
  std::vector<promise> waiting;
  std::deque<group> groups;
  std::uint64_t handled = 0;
  /// Of `handled`, those in the batch.
  std::size_t batch_records = 0;
  bool commit_sent = false;
  bool wake_sent = false;
  caf::error failed;

  replicated_journal_state() = default;
  replicated_journal_state(const replicated_journal_state&) = delete;
  replicated_journal_state& operator=(const replicated_journal_state&) = delete;
  ~replicated_journal_state();

  void begin(pointer self);
  void give_out(pointer self, const storage::replica_write& write);
  void commit();
  void on_ack(pointer self, schema::ReplicaAck::Reader ack);
  void send_writes(pointer self, follower& to);
  [[nodiscard]] caf::expected<tmsg::repchnk> chunk(schema::ReplicaQuery::Reader query);
  /// Answers what may be answered, asks for the change of the set that is due, stops when fenced.
  void proceed(pointer self);
  void ask_change(pointer self, replica_set::change what);
  void fail(const caf::error& why);
};

[[nodiscard]] replicated_journal_actor::behavior_type replicated_journal_behavior(
    replicated_journal_state::pointer self, replicated_journal_start start);

}  // namespace tandem
