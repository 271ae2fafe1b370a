@0xd1c2a6f0b8e14a0b;
# Primary of a journal <-> its followers.
#   ReplicaWrite   primary -> follower     what was committed, with the epoch as its fence
#   ReplicaAck     follower -> primary     how far it has everything, as durable as configured; or why it refuses
#   ReplicaQuery / ReplicaChunk            a snapshot, in chunks, for a follower that lacks too much

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";

struct ReplicaWrite @0xefb21a3c89247d92 {
  journal @0 :UInt64;
  epoch @1 :UInt64;
  # The sender's. A follower that knows a higher one refuses it.
  sequence @2 :UInt64;
  # Counted without gaps within the journal.
  body @3 :Data;
  # A part of what storage/replication.hpp encodes: files and the database's own write batch.
  piece @4 :UInt32;
  # Counted from 0; pieces of a write come in order, with no other write of the journal between.
  pieces @5 :UInt32;
  writtenEpoch @6 :UInt64;
  # That the write was made in; below `epoch` when a new primary passes on old writes.
  previousEpoch @7 :UInt64;
  # Of the write before.
}

struct ReplicaAck @0xe0a3092b78136e93 {
  journal @0 :UInt64;
  epoch @1 :UInt64;
  # The highest that the sender knows of.
  sequence @2 :UInt64;
  # It has everything up to here.
  error @3 :Common.Error;
  # code `conflict`: fenced, the epoch is higher; `not_found`: it needs a snapshot; else it cannot write.
  positionEpoch @4 :UInt64;
  # The epoch of its last write.
  copy @5 :UInt64;
  # The name of the follower's copy; 0: it has none yet.
  node @6 :Text;
  # The follower's name.
}

struct ReplicaQuery @0xd194f81a67025f94 {
  # Follower -> primary: the next part of a snapshot.
  journal @0 :UInt64;
  snapshot @1 :UInt64;
  # 0: make one.
  offset @2 :UInt64;
  follower @3 :UInt64;
}

struct ReplicaChunk @0xc285e70956f15095 {
  journal @0 :UInt64;
  epoch @1 :UInt64;
  snapshot @2 :UInt64;
  sequence @3 :UInt64;
  # What it holds everything up to.
  offset @4 :UInt64;
  data @5 :Data;
  last @6 :Bool;
}
