#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/replication/replicated_journal_actor.hpp"
#include "actors/replication/write_log.hpp"
#include "storage/replica.hpp"
#include "storage/snapshot.hpp"

namespace tandem {

struct replica_writer_start {
  storage::journal_options folder;
  journal_id journal;
  storage::durability durability = storage::durability::sync;
  /// This node's name.
  std::string node;
  /// Writes in one group.
  std::size_t group_max = 256;
  /// For a part of a snapshot; afterwards it begins anew.
  std::chrono::milliseconds chunk_timeout{5000};
  std::chrono::milliseconds retry{1000};
};

/// State of a follower's writer of one journal. Spawn it detached: it blocks in fdatasync.
struct replica_writer_state {
  static constexpr const char* name = "replica";
  using pointer = replica_writer_actor::stateful_pointer<replica_writer_state>;

  replica_writer_start start;
  /// Nothing until there is a snapshot, or when the disk has failed.
  std::unique_ptr<storage::replica> copy;
  std::unique_ptr<storage::snapshot_writer> snapshot;
  std::uint64_t snapshot_id = 0;
  replicated_journal_actor primary;
  std::uint64_t epoch = 0;
  write_assembler pieces;
  std::vector<storage::replica_write> waiting;
  bool commit_sent = false;
  bool hosted = false;
  std::uint64_t handled = 0;
  caf::error failed;

  void open();
  void add(pointer self, schema::ReplicaWrite::Reader piece);
  void apply(pointer self);
  /// To the primary: how far it is, with `failed` or `why`.
  void acknowledge(pointer self, errc why = errc::unknown);
  void begin_snapshot(pointer self);
  void ask_chunk(pointer self);
  void add_chunk(pointer self, schema::ReplicaChunk::Reader chunk);
  void give_up_snapshot(const caf::error& why);
  [[nodiscard]] std::string_view words() const;
};

[[nodiscard]] replica_writer_actor::behavior_type replica_writer_behavior(
    replica_writer_state::pointer self, const replica_writer_start& start);

}  // namespace tandem
