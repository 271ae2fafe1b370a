@0xd1c2a6f0b8e14a07;
# Client -> supervisor: asks for the topology. Actors -> supervisor: ActorStatus, when asked.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Cluster = import "cluster.capnp";
using Engine = import "engine.capnp";

struct ActorStatus @0xdd5e6f708192c871 {
  name @0 :Text;
  kind @1 :Text;
  parent @2 :Text;
  restarts @3 :UInt32;
  mailboxDepth @4 :UInt32;
  inFlight @5 :UInt32;
  queued @6 :UInt32;
  handled @7 :UInt64;
  # Messages, jobs, records: what `noun` says.
  noun @8 :Text;
  state @9 :Text;
  # ok, restarting, silent (did not answer in time).
  lastError @10 :Text;
}

struct NodeStatus @0xce6f708192a3d972 {
  name @0 :Text;
  incarnation @1 :UInt64;
  journal @2 :UInt64;
  address @3 :Text;
  version @4 :Text;
  startedAtMs @5 :UInt64;
  roles @6 :List(Text);
  actors @7 :List(ActorStatus);
  engines @8 :List(Engine.EngineStatus);
  jobsRunning @9 :UInt32;
  jobsQueued @10 :UInt32;
  residentBytes @11 :UInt64;
  member @12 :Cluster.Member;
  # As the asked node's mesh sees it; of a node that does not answer, this is all that is known.
  http @13 :Text;
  # URL of its gateway; empty: it has none.
  alarms @14 :List(Alarm);
  # That it raises itself, the gravest first.
}

enum AlarmSeverity @0x95a6b7c8d9eafb76 {
  unknown @0;
  warning @1;
  critical @2;
}

struct Alarm @0x86b7c8d9eafb0c77 {
  name @0 :Text;
  # EngineFlapping, NodeGone, ...: the names of config/prometheus/alerts.yml.
  subject @1 :Text;
  # Which engine, node, tenant, ...; empty: the node itself.
  severity @2 :AlarmSeverity;
  text @3 :Text;
  # What is wrong, and what to do.
  sinceMs @4 :UInt64;
  # Unix time.
}

struct JournalPlace @0xa061728394a5fb75 {
  # A journal that is not open anywhere: its jobs wait for it.
  journal @0 :UInt64;
  node @1 :Text;
  # Its last home.
  address @2 :Text;
  sinceMs @3 :UInt64;
  # Unix time.
}

struct Topology @0xbf708192a3b4ea73 {
  nodes @0 :List(NodeStatus);
  # The asked node first.
  waiting @1 :List(JournalPlace);
}
