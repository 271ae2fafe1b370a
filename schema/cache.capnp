@0xd1c2a6f0b8e14a0e;
# Executor pool <-> cache shard, within a node and between nodes.
#   CacheQuery -> CacheReply     there, somebody computes it (answered when that is over), or the asker is to compute it
#   CacheEntry                   what was computed; wakes who waits
#   CacheLeave -> CacheReply     an asker no longer waits, or could not compute it
#   CachePurge                   to every shard and pool; what it names counts as gone
#   PlanLabel                    how a near plan turned out
# Client -> supervisor: CacheCommand, answered with a CacheReport (`tandem cache`).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Attempt = import "attempt.capnp";

struct CacheScope @0xe0a1b2c3d4e5f601 {
  # What an entry belongs to; an answer never crosses any of it.
  tier @0 :Text;
  tenant @1 :Text;
  model @2 :Text;
  weightVersion @3 :Text;
  purpose @4 :Common.Purpose;
}

struct CacheQuery @0xe0a1b2c3d4e5f602 {
  id @0 :UInt64;
  # The asking pool's number for it; unique among those of its node that are under way.
  asker @1 :UInt64;
  # Incarnation of its node.
  key @2 :Data;
  # 32 bytes: SHA-256 over scope, templates, sampling, check and text.
  variant @3 :UInt64;
  # The same without the weight version, to say why there is nothing.
  scope @4 :CacheScope;
  waitMs @5 :UInt64;
  # How long it can wait for another's computation; 0: not at all.
  refresh @6 :Bool;
  # Whatever is there, the asker computes it anew.
  plan @7 :PlanGoal;
  # Of a plan: near ones will do, where they may.
}

struct PlanGoal @0xe0a1b2c3d4e5f603 {
  text @0 :Text;
  place @1 :UInt64;
  # Plans of one place (tenant, model, weights, templates, sampling) lie together on one shard, and only they are compared.
  embedding @2 :List(Float32);
  # Of an engine; empty: the shard's own.
  arguments @3 :List(Text);
  # Must be equal.
}

enum CacheOutcome @0xe0a1b2c3d4e5f604 {
  unknown @0;
  hit @1;
  near @2;
  # The plan of a near goal.
  lead @3;
  # Nothing is there: compute it, then send the entry or leave. Others may wait for it.
  alone @4;
  # Compute it; nobody waits for it and nothing is kept.
  goOn @5;
  # To a leave: others wait for the computation.
  stop @6;
  # To a leave: nobody does.
  wait @7;
  # Another computes it; there will be a second reply.
}

struct CacheReply @0xe0a1b2c3d4e5f605 {
  id @0 :UInt64;
  outcome @1 :CacheOutcome;
  entry @2 :CacheEntry;
  # With hit and near; with lead, a near one that is only to be compared.
  level @3 :UInt8;
  # 2: the shard's memory; 3: its disk.
  reason @4 :Text;
  # Why it was not served, or why a near one was.
  refresh @5 :Bool;
  # It will soon expire, and this asker is to compute it anew beside.
  label @6 :UInt64;
  # Of a near plan: under which to say how it turned out; 0: nobody asks.
  similarity @7 :Float32;
  waited @8 :Bool;
  # For a computation that others had begun.
  nearEntry @9 :UInt64;
  # The shard's number of a near plan.
}

struct CacheEntry @0xe0a1b2c3d4e5f606 {
  key @0 :Data;
  variant @1 :UInt64;
  scope @2 :CacheScope;
  createdMs @3 :UInt64;
  # Unix time.
  expiresMs @4 :UInt64;
  computeUs @5 :UInt64;
  result @6 :Attempt.AttemptResult;
  # Without fence and decision.
  crc @7 :UInt32;
  # CRC-32C over key, expiresMs and the result's text and model; checked wherever it is read.
  goal @8 :PlanGoal;
  # Of a plan.
  lead @9 :UInt64;
  # The id of the query that led to it; 0: none.
  asker @10 :UInt64;
}

struct CacheLeave @0xe0a1b2c3d4e5f607 {
  id @0 :UInt64;
  asker @1 :UInt64;
  key @2 :Data;
  failed @3 :Bool;
  # It was to compute it and cannot: somebody else is to.
}

struct CachePurge @0xe0a1b2c3d4e5f608 {
  rules @0 :List(PurgeRule);
}

struct PurgeRule @0xe0a1b2c3d4e5f609 {
  # Entries made at or before `atMs` that match all of it; empty: any.
  tier @0 :Text;
  tenant @1 :Text;
  model @2 :Text;
  weightVersion @3 :Text;
  atMs @4 :UInt64;
}

struct PlanLabel @0xe0a1b2c3d4e5f60a {
  label @0 :UInt64;
  wrong @1 :Bool;
  key @2 :Data;
  # Of the near plan's entry.
  scope @3 :CacheScope;
  place @4 :UInt64;
  ended @5 :Bool;
  # It is about how the job has ended that was served with it.
  entry @6 :UInt64;
  # The shard's number of the near plan; 0: the job was planned as usual.
}

enum CacheAction @0xe0a1b2c3d4e5f60b {
  unknown @0;
  stats @1;
  purge @2;
  warm @3;
  # Prefixes that will probably be needed are replayed on idle engines now.
}

struct CacheCommand @0xe0a1b2c3d4e5f60c {
  action @0 :CacheAction;
  tier @1 :Text;
  tenant @2 :Text;
  model @3 :Text;
  weightVersion @4 :Text;
  own @5 :Bool;
  # Of this node alone.
}

struct CacheLevel @0xe0a1b2c3d4e5f60d {
  # Counts since the start of the actor that keeps it.
  node @0 :Text;
  level @1 :UInt8;
  tier @2 :Text;
  policy @3 :Text;
  entries @4 :UInt64;
  bytes @5 :UInt64;
  bytesMax @6 :UInt64;
  hits @7 :UInt64;
  misses @8 :UInt64;
  expired @9 :UInt64;
  evicted @10 :UInt64;
  damaged @11 :UInt64;
  refused @12 :UInt64;
  # Too large, or not of a sort that is kept.
  savedNanousd @13 :Int64;
  waits @14 :UInt64;
  # Askers that waited for another's computation.
  ttlMs @15 :UInt64;
  near @16 :NearCounts;
}

struct NearCounts @0xe0a1b2c3d4e5f60e {
  served @0 :UInt64;
  servedRight @1 :UInt64;
  # Whose job was verified.
  servedWrong @2 :UInt64;
  explored @3 :UInt64;
  refused @4 :UInt64;
  # By guards.
  tenantsOff @5 :UInt64;
  # For whom it turned itself off, since it did harm.
  entries @6 :UInt64;
  bytes @7 :UInt64;
}

struct WarmCounts @0xe0a1b2c3d4e5f60f {
  node @0 :Text;
  replayed @1 :UInt64;
  used @2 :UInt64;
  wasted @3 :UInt64;
  tokens @4 :UInt64;
  known @5 :UInt64;
  # Prefixes that are remembered.
  begun @6 :UInt32;
  # Engines that this command gave something to replay.
}

struct CacheReport @0xe0a1b2c3d4e5f610 {
  levels @0 :List(CacheLevel);
  warm @1 :List(WarmCounts);
  purged @2 :List(PurgeRule);
  missing @3 :List(Text);
  # Nodes that did not answer in time.
  error @4 :Common.Error;
  served @5 :List(CacheServed);
}

struct CacheServed @0xe0a1b2c3d4e5f611 {
  # What one node's pool was asked for one tenant and model, counted since it began. Of all those that
  # were too many to be told apart: both are empty.
  node @0 :Text;
  tier @1 :Text;
  tenant @2 :Text;
  model @3 :Text;
  asked @4 :UInt64;
  # Calls that could be served.
  hits @5 :List(UInt64);
  # Of them, by level from the first on.
  savedNanousd @6 :Int64;
}
