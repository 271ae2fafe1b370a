@0xd1c2a6f0b8e14a09;
# Mesh <-> mesh, one on each node. Whoever connects says Hello and gets the other's; from then on both send a Pulse each
# heartbeat, and a MemberList whenever what they know of the members changes. A node that leaves says so with its Member.
# Mesh -> the actors of its own node: a Member, whenever one changes.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");

enum MemberState @0xc1a7e53b9f024171 {
  unknown @0;
  alive @1;
  suspect @2;
  # Not heard of for longer than usual.
  gone @3;
  # Lost: whatever it was doing is retried elsewhere; its journals are waited for.
  left @4;
  # It said good-bye.
}

struct Member @0xb296d42a8e13b272 {
  # A node as the cluster knows it.
  name @0 :Text;
  incarnation @1 :UInt64;
  # Random at each start: tells a restart from a pause.
  address @2 :Text;
  # Where others connect: host:port.
  protocol @3 :UInt32;
  version @4 :Text;
  roles @5 :List(Text);
  journals @6 :List(UInt64);
  # That it is the home of.
  startedAtMs @7 :UInt64;
  # Unix time.
  state @8 :MemberState;
  # As the sender of the message sees it.
  sinceMs @9 :UInt64;
  # Unix time of the last change of state, by the sender's clock.
  heardMsAgo @10 :UInt64;
  draining @11 :Bool;
  # Takes no new work.
  certificateEndsAtMs @12 :UInt64;
  # Unix time; 0: not known.
  journalBirthsMs @13 :List(UInt64);
  # Of `journals`, in the same order: Unix time at which the data folder was made.
  losses @14 :UInt32;
  # The last session with it that whoever says this gave up; 0: none. A session is the time from a Hello to the next
  # loss. Both sides begin the one after the last that either gave up, so that both lose the same ones.
}

struct Hello @0xa385c3197d02a373 {
  cluster @0 :Text;
  # Both names must be the same.
  protocol @1 :UInt32;
  member @2 :Member;
  # Whoever says this.
  members @3 :List(Member);
  # All others that it knows of; among them, once they have met, whom it says this to.
}

struct Pulse @0x9474b2086cf19474 {
  incarnation @0 :UInt64;
  # The sender's.
  number @1 :UInt64;
  # Counted from 1.
}

struct MemberList @0x8563a1f75be08575 {
  members @0 :List(Member);
  # The sender first: what it says of itself counts. What it says of others is a hint: whom to connect to, and whose
  # journals wait.
}

struct DrainQuery @0xf64290e64acf7676 {
  # Client -> supervisor: this node is to leave, as soon as it has finished what it does.
  node @0 :Text;
}
