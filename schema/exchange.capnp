@0xd1c2a6f0b8e14a0a;
# Exchange <-> exchange, one on each node: engines of one node serve all.
#   Offer       owner -> others      its engines and how much each may have at them at once; on change
#   Work        origin -> owner      an attempt for one engine, named by a number of the origin's
#   WorkChunk   owner -> origin      text while it is written
#   WorkResult  owner -> origin      how it ended
#   WorkCancel  origin -> owner      nobody waits any more
# What is longer than one piece may be comes as Piece after Piece, and only then is read.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Attempt = import "attempt.capnp";
using Decision = import "decision.capnp";
using Engine = import "engine.capnp";

struct EngineOffer @0xf641c0d93b5ea481 {
  status @0 :Engine.EngineStatus;
  credits @1 :UInt32;
  # Attempts that the receiver may have there at once; 0: none now.
}

struct Offer @0xe732b1c82a4d9582 {
  incarnation @0 :UInt64;
  # The owner's; an offer of another incarnation is stale.
  number @1 :UInt64;
  # Rises with each offer to this receiver: the newest holds.
  engines @2 :List(EngineOffer);
  # All of them.
}

struct Work @0xd823a2b7193c8683 {
  id @0 :UInt64;
  # Of the origin; never used twice within an incarnation.
  origin @1 :UInt64;
  # Incarnation of the node that sends it.
  engine @2 :Text;
  # As the owner calls it.
  attempt @3 :Attempt.Attempt;
  decision @4 :Decision.Decision;
}

struct WorkChunk @0xc91493a6082b7784 {
  id @0 :UInt64;
  chunk @1 :Attempt.TextChunk;
}

struct WorkResult @0xba058495f71a6885 {
  id @0 :UInt64;
  result @1 :Attempt.AttemptResult;
}

struct WorkCancel @0xabf67584e6095986 {
  id @0 :UInt64;
  reason @1 :Text;
}

struct Piece @0x9ce76673d5f84a87 {
  # Part of a message that is longer than one piece may be.
  id @0 :UInt64;
  # Of the message, by its sender.
  offset @1 :UInt32;
  sizeBytes @2 :UInt32;
  # Of the whole message.
  data @3 :Data;
  kind @4 :UInt16;
  # Which type the whole is: see actors/exchange.
}

struct Receipt @0x8dd85762c4e73b88 {
  # How much of what the other side sent has been taken in: makes room in its window.
  bytes @0 :UInt64;
  # In all since the connection.
}
