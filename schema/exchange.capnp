@0xd1c2a6f0b8e14a0a;
# Exchange <-> exchange, one on each node: engines of one node serve all.
#   Offer       owner -> others      its engines and how much each may have at them at once; on change
#   Work        origin -> owner      an Attempt for one engine with the router's Decision
#   WorkChunk   owner -> origin      a TextChunk while it is written
#   WorkResult  owner -> origin      how it ended: an AttemptResult
#   WorkCancel  origin -> owner      nobody waits any more
# The payloads (Attempt, Decision, TextChunk, AttemptResult) travel beside these headers as they are, so that nothing is
# copied into another message. What is longer than one message should be comes before its header as Piece after Piece,
# and nothing between them. Each says `from`: the incarnation of the node that sends it; of another one it is stale.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Engine = import "engine.capnp";

struct EngineOffer @0xf641c0d93b5ea481 {
  status @0 :Engine.EngineStatus;
  credits @1 :UInt32;
  # Attempts that the receiver may have there at once; 0: none now.
  reason @2 :Text;
  # Where it is listed: why this node does not use it; empty: it does.
}

struct Offer @0xe732b1c82a4d9582 {
  incarnation @0 :UInt64;
  # The owner's; an offer of another incarnation is stale.
  number @1 :UInt64;
  # Rises with each offer to this receiver: the newest holds.
  engines @2 :List(EngineOffer);
  # All of them.
  heard @3 :UInt64;
  # Number of the receiver's newest offer; 0: none has come, so it is to be sent again.
}

struct Work @0xd823a2b7193c8683 {
  id @0 :UInt64;
  # Of the origin; never used twice within an incarnation.
  from @1 :UInt64;
  engine @2 :Text;
  # As the owner calls it.
}

struct WorkChunk @0xc91493a6082b7784 {
  id @0 :UInt64;
  from @1 :UInt64;
}

struct WorkResult @0xba058495f71a6885 {
  id @0 :UInt64;
  from @1 :UInt64;
}

struct WorkCancel @0xabf67584e6095986 {
  id @0 :UInt64;
  reason @1 :Text;
  from @2 :UInt64;
}

struct Piece @0x9ce76673d5f84a87 {
  # Part of a payload; its header, with the same id, follows the last one.
  id @0 :UInt64;
  offset @1 :UInt32;
  sizeBytes @2 :UInt32;
  # Of the whole payload.
  data @3 :Data;
  from @4 :UInt64;
}

struct Receipt @0x8dd85762c4e73b88 {
  # How much of what the other side sent has been taken in: makes room in its window.
  bytes @0 :UInt64;
  # In all since the two know each other.
  from @1 :UInt64;
}
