@0xd1c2a6f0b8e14a06;
# Engine -> router and supervisor: EngineStatus, whenever it changes in a way that somebody decides by.
# Client -> supervisor -> engine: EngineQuery, answered with an EngineReport (`tandem engine probe`).
# Client -> supervisor: EngineCommand, answered with an EngineReport once it is done and will be so after a restart too.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";

enum Health @0xfb3c4d5e6f70a661 {
  unknown @0;
  starting @1;
  healthy @2;
  unhealthy @3;
  draining @4;
  busy @5;
  # Told us to wait (429, 503): takes nothing before `busyUntilMs`.
  updating @6;
  # Its weights are changed; `held`: still takes calls of jobs that hold its present version.
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
  url @17 :Text;
  server @18 :Text;
  # What answers there, as it says: `llama.cpp b1234`, `SGLang 0.5.2`, `vLLM 0.11.0`.
  breaker @19 :Breaker;
  opensInARow @20 :UInt32;
  busyUntilMs @21 :UInt64;
  # Unix time; also when an open breaker tries again.
  serverRunning @22 :UInt32;
  # Load as the server last said it, ours and others'.
  serverWaiting @23 :UInt32;
  cacheUsageShare @24 :Float32;
  # Of its KV cache, 0 to 1; negative: not known.
  refusals @25 :UInt64;
  # Requests that it was too busy for.
  processId @26 :UInt32;
  # Of a server that the node started itself; 0: none.
  processRestarts @27 :UInt32;
  changes @28 :List(EngineChange);
  # The latest changes of health, newest last: why it is as it is.
  loadAtMs @29 :UInt64;
  # When the server said its load; 0: it has not.
  profile @30 :UInt64;
  # Hash of the model's prompt templates as this engine's node has them.
  limit @31 :UInt32;
  # Requests at once as measured latency allows now, at most `concurrency`; 0: not measured.
  backlogTokens @32 :UInt64;
  # Prompt tokens that were sent there and are not read yet, as its node counts them.
  prefillTokensPerS @33 :Float32;
  # Measured; 0: not yet.
  decodeTokensPerS @34 :Float32;
  held @35 :Bool;
  # With health `updating`.
  weightsFixed @36 :Text;
  # Why its weights cannot be changed while it runs; empty: they can.
  busyUs @37 :UInt64;
  # Sum of the times of its finished requests, queueing here left out.
  embeds @38 :Bool;
  # Its model makes vectors of texts, and nothing else.
  passesOn @39 :Bool;
  # Can take a client's request as it is.
  warming @40 :Bool;
  # With health `starting`: it could serve, and first reads what calls begin with.
}

enum Breaker @0xb9d0e1f2a3b4c563 {
  unknown @0;
  closed @1;
  open @2;
  # Too many failures: nothing is sent.
  halfOpen @3;
  # One request at a time tries whether it works again.
}

struct EngineChange @0xaac1d2e3f4a5b664 {
  atMs @0 :UInt64;
  health @1 :Health;
  reason @2 :Text;
}

struct EngineQuery @0x9bb2c3d4e5f6a765 {
  name @0 :Text;
}

struct EngineCheck @0x8ca3b4c5d6e7f866 {
  # One thing that was tried.
  what @0 :Text;
  ok @1 :Bool;
  detail @2 :Text;
  tookUs @3 :UInt64;
}

struct EngineReport @0xfd94a5b6c7d8e967 {
  status @0 :EngineStatus;
  checks @1 :List(EngineCheck);
}

enum EngineAction @0xd6b7c8d9eafb0c68 {
  unknown @0;
  add @1;
  drain @2;
  # Takes nothing new and finishes what runs.
  undrain @3;
  remove @4;
  # Drains it, then stops it.
}

struct EngineCommand @0xc7a8b9cadbec1d69 {
  action @0 :EngineAction;
  name @1 :Text;
  # Of an engine that is there; empty for `add`.
  toml @2 :Text;
  # add: one [[engine]] as in a config file.
  deadlineMs @3 :UInt64;
  # remove: how long its work may take to finish; then it is cut off. 0: not at all.
}
