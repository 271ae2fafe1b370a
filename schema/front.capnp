@0xd1c2a6f0b8e14a0c;
# Front <-> front, one on each node, about client keys (see actors/front/README.md). Everything else that fronts pass on
# to each other is what clients say (job.capnp).
#   KeyQuery (submit)   any front -> the front of the journal that the key hashes to: accept it, once
#   KeyQuery (find)     that front -> those that may have accepted the key when there were fewer journals

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Job = import "job.capnp";

struct KnownJournal @0xb61b0c4d7ae25fa1 {
  journal @0 :UInt64;
  birthMs @1 :UInt64;
  # Unix time at which its data folder was made; never changes.
}

struct KeyQuery @0xa50a1b3c69d14ea2 {
  submit @0 :Job.Submit;
  journal @1 :UInt64;
  # Who is asked.
  journals @2 :List(KnownJournal);
  # All that the asking node knows of; the asked one knows them from now on.
}

enum KeyOutcome @0x94f92a2b58c03da3 {
  unknown @0;
  none @1;
  # Of a find: this journal does not have the key.
  found @2;
  # The key names a job that was there before.
  accepted @3;
  elsewhere @4;
  # Of a submit: with `journals` known, the key hashes to another one.
}

struct KeyReply @0x83e8391a47bf2ca4 {
  outcome @0 :KeyOutcome;
  submitted @1 :Job.Submitted;
  journals @2 :List(KnownJournal);
  # All that the answering node knows of, in the order in which it learned of them.
  ordered @3 :Bool;
  # That order is the one in which the journal has answered since its birth: nothing of it was ever lost.
  settledUnder @4 :UInt64;
  # Every key that this journal has ever accepted was accepted under this journal's order, and so will all later ones
  # be, but for older journals'. 0: it cannot say that.
}
