@0xd1c2a6f0b8e14a0f;
# Weight versions: what they are, who has them, and how engines come to serve them.
#   client -> supervisor -> weight_sync     WeightCommand, answered with a WeightReport
#   weight_sync -> weight_sync              WeightNews, whenever it changes; WeightOrder, answered by a WeightOutcome (a
#                                           message of its own: CAF answers no request of a dead node)
#   weight_sync -> engine of its node       EngineUpdate, answered with an EngineUpdated
#   job -> planner of its node              WeightPin
#   weight_sync -> planner of its node      WeightPin without a job, answered with a WeightOutcome
# A WeightManifest also lies beside the weights, and travels over HTTP, see actors/weights. WeightVersion and WeightRoll are
# what is kept on the disk, and in etcd where there is one.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Engine = import "engine.capnp";

enum WeightFormat @0xb3e1a50c7d92f401 {
  unknown @0;
  # Neither of the others: files that are carried as they are.
  gguf @1;
  safetensors @2;
}

struct WeightFile @0xb3e1a50c7d92f402 {
  path @0 :Text;
  # Relative, '/' between names; below the version's folder.
  sizeBytes @1 :UInt64;
  chunks @2 :Data;
  # SHA-256 of each `chunkBytes`, 32 bytes each; the last chunk may be shorter.
}

struct WeightManifest @0xb3e1a50c7d92f403 {
  # Nothing but what is in the files: equal files have equal manifests. Its hash (SHA-256 of these bytes) names them.
  chunkBytes @0 :UInt32;
  files @1 :List(WeightFile);
  # By path, rising.
  format @2 :WeightFormat;
  architecture @3 :Text;
  # `llama`, as the header says; empty: not said.
  shapes @4 :Data;
  # SHA-256 over name and shape of every tensor, by name: equal means that one may take the other's place.
  parameters @5 :UInt64;
  types @6 :Text;
  # Element types of its tensors with their share of the elements: `F16 98%, F32 2%`.
}

struct WeightVersion @0xb3e1a50c7d92f404 {
  # Version `version` of `model` are these bytes: agreed on once, never changed.
  model @0 :Text;
  version @1 :Text;
  number @2 :UInt32;
  # Counted from 1 for each model.
  manifest @3 :Data;
  # The manifest's hash.
  sizeBytes @4 :UInt64;
  addedAtMs @5 :UInt64;
  addedBy @6 :Text;
  # Node.
  format @7 :WeightFormat;
  architecture @8 :Text;
  parameters @9 :UInt64;
  types @10 :Text;
  shapes @11 :Data;
}

struct WeightWanted @0xb3e1a50c7d92f405 {
  # What engines of a model are to serve. The higher `epoch` wins; a node whose engine is at another version brings it
  # there before it takes work.
  model @0 :Text;
  version @1 :Text;
  epoch @2 :UInt64;
}

struct WeightHolding @0xb3e1a50c7d92f406 {
  manifest @0 :Data;
  complete @1 :Bool;
  have @2 :Data;
  # Of an incomplete one: a bit for each chunk, counted over all files in order, lowest bit first.
}

struct WeightNews @0xb3e1a50c7d92f407 {
  # All that a node has to say; a later one replaces it.
  incarnation @0 :UInt64;
  number @1 :UInt64;
  # Rises within the incarnation.
  node @2 :Text;
  url @3 :Text;
  # `https://host:port` where its chunks are; empty: it serves none.
  holdings @4 :List(WeightHolding);
  versions @5 :List(WeightVersion);
  # That it knows of.
  wanted @6 :List(WeightWanted);
  roll @7 :WeightRoll;
  # Of the roll that it coordinates; model empty: none.
  fetches @8 :List(WeightFetch);
  engines @9 :List(Engine.EngineStatus);
  # Of this node; the numbers of requests as of `atMs`.
  atMs @10 :UInt64;
}

struct WeightFetch @0xb3e1a50c7d92f408 {
  node @0 :Text;
  model @1 :Text;
  version @2 :Text;
  doneBytes @3 :UInt64;
  totalBytes @4 :UInt64;
  movedBytes @5 :UInt64;
  # Over the network; less than done where a difference, or chunks that were there, did.
  bytesPerS @6 :Float64;
  error @7 :Text;
  avoided @8 :List(Text);
  # Nodes that sent what does not match, each with what it was.
  complete @9 :Bool;
}

enum RollPhase @0xb3e1a50c7d92f409 {
  unknown @0;
  fetching @1;
  # Every node that needs the version gets it.
  canary @2;
  # The first engines change.
  judging @3;
  # They serve a share, and are judged.
  rolling @4;
  rollingBack @5;
  # What was changed goes back.
  done @6;
  rolledBack @7;
  gated @8;
  # Going back failed too: engines that are at neither version take no work until somebody looks.
}

enum EnginePhase @0xb3e1a50c7d92f40a {
  unknown @0;
  waiting @1;
  draining @2;
  loading @3;
  flushing @4;
  verifying @5;
  serving @6;
  # At the version that it was to have.
  failed @7;
  away @8;
  # Its node is gone; it catches up before it is admitted.
}

struct RollEngine @0xb3e1a50c7d92f40b {
  node @0 :Text;
  name @1 :Text;
  # As its node calls it.
  version @2 :Text;
  # As it last said.
  phase @3 :EnginePhase;
  error @4 :Text;
  canary @5 :Bool;
  beganAtMs @6 :UInt64;
  endedAtMs @7 :UInt64;
  before @8 :Text;
  # What it goes back to.
}

struct RollOptions @0xb3e1a50c7d92f40c {
  maxUnavailable @0 :UInt32;
  # Engines that take no work at once; 0: one.
  canaries @1 :UInt32;
  judgeMs @2 :UInt64;
  # How long canaries are looked at, at least.
  judgeRequests @3 :UInt32;
  # And how many of their requests, at least; after ten times `judgeMs` what there is has to do.
  drainMs @4 :UInt64;
  # Deadline of a drain.
  pause @5 :Bool;
  # Where the engine can pause its requests, they are not waited for.
  loadMs @6 :UInt64;
  # From the order to load until it serves.
  prompt @7 :Text;
  expected @8 :Text;
  # One real generation of every engine; its output must contain `expected`. Empty: it must say something.
  force @9 :Bool;
  # Shapes may differ from those that are served now.
}

struct WeightRoll @0xb3e1a50c7d92f40d {
  # One update of a model's engines, as a transaction. Written before each change that it orders.
  id @0 :UInt64;
  # Random.
  model @1 :Text;
  version @2 :Text;
  before @3 :Text;
  # What was wanted when it began; empty: what each engine had.
  epoch @4 :UInt64;
  # Fence: higher with each coordinator that takes it over, and than that of any earlier roll of the model.
  coordinator @5 :Text;
  # Node.
  incarnation @6 :UInt64;
  phase @7 :RollPhase;
  reason @8 :Text;
  options @9 :RollOptions;
  engines @10 :List(RollEngine);
  beganAtMs @11 :UInt64;
  endedAtMs @12 :UInt64;
  sequence @13 :UInt64;
  # Rises with each write.
  verdict @14 :Text;
  # On the canaries, with the numbers.
  judgedFromMs @15 :UInt64;
}

enum WeightAction @0xb3e1a50c7d92f40e {
  unknown @0;
  list @1;
  add @2;
  # Reads files on the node that is asked, and keeps a copy of them as a version.
  show @3;
  compare @4;
  remove @5;
  fetch @6;
  # Has a version brought to the node that is asked.
  roll @7;
  status @8;
  # Of the roll, once its sequence is above `sequence`, or `waitMs` is over.
  stop @9;
  # The roll goes back.
}

struct WeightCommand @0xb3e1a50c7d92f40f {
  action @0 :WeightAction;
  model @1 :Text;
  version @2 :Text;
  # add: empty is the next number.
  path @3 :Text;
  other @4 :Text;
  # compare: another version.
  options @5 :RollOptions;
  sequence @6 :UInt64;
  waitMs @7 :UInt64;
}

struct WeightVersionReport @0xb3e1a50c7d92f410 {
  version @0 :WeightVersion;
  nodes @1 :List(Text);
  # That have all of it.
  wanted @2 :Bool;
}

struct WeightDifference @0xb3e1a50c7d92f411 {
  file @0 :Text;
  chunks @1 :UInt64;
  equal @2 :UInt64;
  sizeBytes @3 :UInt64;
  note @4 :Text;
  # `only in 2`, ...
}

struct WeightReport @0xb3e1a50c7d92f412 {
  versions @0 :List(WeightVersionReport);
  rolls @1 :List(WeightRoll);
  # Newest first.
  fetches @2 :List(WeightFetch);
  files @3 :List(WeightFile);
  # show
  differences @4 :List(WeightDifference);
  # compare
  fit @5 :Text;
  # compare: why one may not take the other's place; empty: it may.
  done @6 :Text;
  # In words: what the command did.
  sequence @8 :UInt64;
  # For the next `status`.
  folder @7 :Text;
  # show: where its files are on the node that was asked.
}

enum OrderAction @0xb3e1a50c7d92f413 {
  unknown @0;
  fetch @1;
  hold @2;
  # One engine takes only what jobs ask for that hold its version.
  update @3;
  # One engine: cut, drain, load, flush, verify, admit.
  ask @4;
  # Which versions do running jobs hold?
}

struct WeightOrder @0xb3e1a50c7d92f414 {
  # Repeated until its outcome comes; the same `id` is carried out once.
  id @0 :UInt64;
  roll @1 :UInt64;
  epoch @2 :UInt64;
  # Below the highest that the node has seen for the model: refused.
  action @3 :OrderAction;
  model @4 :Text;
  version @5 :Text;
  engine @6 :Text;
  options @7 :RollOptions;
  from @8 :UInt64;
  # Incarnation of the coordinator's node.
  drainUntilMs @9 :UInt64;
}

struct WeightOutcome @0xb3e1a50c7d92f415 {
  id @0 :UInt64;
  roll @1 :UInt64;
  error @2 :Common.Error;
  # code `unknown`: it is done.
  phase @3 :EnginePhase;
  version @4 :Text;
  # That the engine has now.
  from @5 :UInt64;
  # Incarnation of the node that did it.
  pins @6 :List(WeightPins);
  # `ask`: what running jobs of this node hold of the model.
}

struct WeightPin @0xb3e1a50c7d92f416 {
  # A running job has used this version, and stays with it.
  job @0 :Common.JobId;
  model @1 :Text;
  version @2 :Text;
}

struct WeightPins @0xb3e1a50c7d92f417 {
  version @0 :Text;
  jobs @1 :UInt64;
}

struct EngineUpdate @0xb3e1a50c7d92f418 {
  # `update` is the whole way of one engine: stop admission, drain, load, flush, verify, admit. Asking again for what is
  # under way waits for that; for what is done is answered at once. It stays gated after a failure.
  roll @0 :UInt64;
  epoch @1 :UInt64;
  version @2 :Text;
  path @3 :Text;
  # The GGUF file, or the folder.
  options @4 :RollOptions;
  action @5 :OrderAction;
  # hold or update.
}

struct EngineUpdated @0xb3e1a50c7d92f419 {
  error @0 :Common.Error;
  phase @1 :EnginePhase;
  # Reached; with an error, the one that failed.
  version @2 :Text;
  drainUs @3 :UInt64;
  loadUs @4 :UInt64;
  verifyUs @5 :UInt64;
  cutOff @6 :UInt32;
  # Requests that the drain's deadline ended.
}
