@0xd1c2a6f0b8e14a06;
# Engine -> router and supervisor: EngineStatus, whenever it changes in a way that somebody decides by.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";

enum Health @0xfb3c4d5e6f70a661 {
  unknown @0;
  starting @1;
  healthy @2;
  unhealthy @3;
  draining @4;
}

struct EngineStatus @0xec4d5e6f7081b762 {
  name @0 :Text;
  kind @1 :Text;
  # embedded, sim, ...
  model @2 :Text;
  tier @3 :Text;
  weightVersion @4 :Text;
  health @5 :Health;
  lastError @6 :Text;
  inFlight @7 :UInt32;
  concurrency @8 :UInt32;
  # Requests at once; more wait in the engine's queue.
  queued @9 :UInt32;
  contextTokens @10 :UInt32;
  requests @11 :UInt64;
  failures @12 :UInt64;
  promptTokens @13 :UInt64;
  cachedPromptTokens @14 :UInt64;
  completionTokens @15 :UInt64;
  simulated @16 :Bool;
}
