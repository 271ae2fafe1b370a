@0xd1c2a6f0b8e14a04;
# Job <-> executor pool <-> engine. A job sends an Attempt to the pool; the pool asks the router which model
# and engine, passes the same Attempt to the engine, and answers the job with one AttemptResult. While
# a plan is written, the engine sends TextChunks straight to the job.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";

struct Fence @0xbf708192a3b4da41 {
  # Names one attempt for ever. A reply whose fence is not the one waited for is stale and dropped.
  job @0 :Common.JobId;
  epoch @1 :UInt32;
  step @2 :UInt32;
  # 0: the plan, or the whole answer.
  attempt @3 :UInt32;
}

struct Attempt @0xa08192a3b4c5eb42 {
  fence @0 :Fence;
  purpose @1 :Common.Purpose;
  kind @2 :Text;
  tenant @3 :Text;
  messages @4 :List(Common.ChatMessage);
  # The goal's messages for plan and answer, one user message for the others. The engine adds its model's
  # own prompt templates.
  maxTokens @5 :UInt32;
  temperature @6 :Float32;
  topK @7 :UInt32;
  topP @8 :Float32;
  seed @9 :UInt64;
  priority @10 :Int8;
  timeoutMs @11 :UInt64;
  # From when the pool takes it to the reply.
  tier @12 :Text;
  # Only models of this tier; empty: the router decides.
  excludedEngines @13 :List(Text);
  # Engines that failed this step already; used only when nothing else is left.
  stream @14 :Bool;
  # Send TextChunks to the job while it is written.
  responseSchema @15 :Text;
  # JSON schema that the output must fit; engines that can constrain their output do.
  check @16 :Common.Check;
  # Verified by the pool before it replies; kind empty: no check.
  pinnedVersions @17 :List(PinnedVersion);
  # Weight versions that the job has used; an engine at another one is filtered out.
  planError @18 :Text;
  # Plan after a failed plan: why the last one failed.
  finished @19 :Text;
  # Plan after a failed plan: the finished steps and their results, a line each.
  stepsMax @20 :UInt32;
  excludedModels @21 :List(Text);
  # Models that failed this step already; used only when nothing else is left.
  allowance @22 :Common.Budget;
  # Reserved for this attempt by its job: everything done for it, verification and hedging
  # included, stays below. Zeros: no limit.
  hedge @23 :Bool;
  # May run twice at once when it is slow.
  tags @24 :List(Text);
  # Of the job.
  fanIn @25 :UInt16;
  # Results that its prompt is made from.
  tries @26 :UInt16;
  # Failed tries of the same call before.
  ways @27 :List(Text);
  # Purpose `way`: those that have failed already.
  rewarded @28 :Bool;
  # A verdict on the job's answer is to be expected.
  judged @29 :UInt64;
  # Purpose `verify`: the decision behind what is read by a judge for the router's sake alone; 0: it is for the job.
  cache @30 :Common.CacheUse;
  session @31 :Text;
  # Calls of one session go to the engine that had the last one, where that costs little.
  mixWeights @32 :Bool;
  # `pinnedVersions` are preferred, not required, once no engine serves them.
  client @33 :ClientCall;
  # A client's own call: its messages go to the model as they are, without templates. Null: a job's.
  model @34 :Text;
  # Only this model; empty: any.
  trace @35 :Common.TraceContext;
}

enum ClientPath @0x8b3d5f719a2c4e11 {
  unknown @0;
  chat @1;
  # /v1/chat/completions
  embeddings @2;
  # /v1/embeddings
}

struct ClientCall @0x8b3d5f719a2c4e12 {
  path @0 :ClientPath;
  body @1 :Data;
  # The request as an OpenAI-compatible server is to get it: a JSON object, without `model`, `stream` and
  # `stream_options`. Empty: the attempt says all of it, and any engine can take it.
  openEnded @2 :Bool;
  # It did not say how much may be written: `maxTokens` is a bound, less will do where the context is short.
}

struct PinnedVersion @0x9192a3b4c5d6fc43 {
  model @0 :Text;
  weightVersion @1 :Text;
}

struct TextChunk @0x82a3b4c5d6e70d44 {
  fence @0 :Fence;
  number @1 :UInt32;
  # Counted from 0 without gaps.
  text @2 :Data;
  # A chunk may end within a UTF-8 sequence.
  isEvent @3 :Bool;
  # Of a client's call with a body: `text` is one event's data as the server sent it, a JSON object.
}

enum Finish @0xf3b4c5d6e7f81e45 {
  unknown @0;
  stop @1;
  length @2;
  # maxTokens or the context ended first: the text is cut.
  cancelled @3;
  error @4;
}

struct AttemptResult @0xe4c5d6e7f8092f46 {
  fence @0 :Fence;
  error @1 :Common.Error;
  # code `unknown`: it succeeded.
  text @2 :Text;
  finish @3 :Finish;
  usage @4 :Common.Usage;
  engine @5 :Text;
  model @6 :Text;
  tier @7 :Text;
  weightVersion @8 :Text;
  decision @9 :UInt64;
  # The router's decision, to which rewards refer; 0: none was made, or there was no choice.
  queueUs @10 :UInt64;
  firstTokenUs @11 :UInt64;
  totalUs @12 :UInt64;
  simulated @13 :Bool;
  retryAfterMs @14 :UInt64;
  # With overloaded or unavailable: not before; 0: not said.
  hedged @15 :Bool;
  # A second copy was started because the first was slow; usage is that of both.
  refusals @16 :List(Text);
  # Engines that were busy or down before this one took it, each with its reason.
  begun @17 :Bool;
  # With overloaded or unavailable: chunks of it went out before, so only a new attempt may repeat it.
  cache @18 :CacheNote;
  body @19 :Data;
  # Of a client's call with a body that was not streamed: the server's answer, a JSON object.
}

struct Cancel @0xd5d6e7f8091a4047 {
  fence @0 :Fence;
  reason @1 :Text;
}

struct CacheNote @0xc6b7a8998a7b6c48 {
  # What the caches did about one attempt.
  level @0 :UInt8;
  # 1: the pool's memory; 2: a shard's memory; 3: its disk; 0: not served.
  reason @1 :Text;
  # Why it was not served, or which near plan was.
  node @2 :Text;
  # Of the shard that served it, or had nothing.
  key @3 :Data;
  # Under which it is, or would be.
  near @4 :Float32;
  # Similarity of a near plan; 0: it is an exact hit, or none.
  label @5 :UInt64;
  # Of a near plan.
}
