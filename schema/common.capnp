@0xd1c2a6f0b8e14a01;
# Pieces that several conversations share. Units end field names. Every enum starts with `unknown`.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");

struct JobId @0xb1d5f7a3c9024e11 {
  journal @0 :UInt64;
  # The journal's own id, see schema/ids.hpp.
  number @1 :UInt64;
  # Counted from 1 within the journal.
}

enum Errc @0xe8a4c6d2f0135b12 {
  # The same names and numbers as tandem::errc.
  unknown @0;
  invalidArgument @1;
  notFound @2;
  conflict @3;
  overloaded @4;
  unavailable @5;
  deadlineExceeded @6;
  cancelled @7;
  engineFailed @8;
  invalidOutput @9;
  malformedMessage @10;
  corrupted @11;
  storageFailed @12;
  locked @13;
  notAuthenticated @14;
  internal @15;
  budgetExceeded @16;
  weightsChanged @17;
}

struct Error @0xc3f6e8a1b2d47c13 {
  code @0 :Errc;
  message @1 :Text;
  # What, where and how to mend it. Empty with code `unknown`: no error.
}

enum Role @0x9ad7c1e4f5b60d14 {
  unknown @0;
  system @1;
  user @2;
  assistant @3;
}

struct ChatMessage @0xa5e8d2f3c6b71e15 {
  role @0 :Role;
  content @1 :Text;
}

enum WeightPolicy @0xb3e1a50c7d92f41a {
  # When no engine serves any more the weight version that a job has begun with.
  unknown @0;
  # The node's `jobs.weights`.
  fail @1;
  mix @2;
  # It goes on with what is served.
}

enum CacheUse @0x9f2b4d6e8a0c1e1a {
  unknown @0;
  use @1;
  # What is there is served, what is computed is kept. Unknown is the same.
  refresh @2;
  # Computed anew, and kept.
  off @3;
  # Neither looked up nor kept.
}

enum Purpose @0xf4b9a0c7d8e62f16 {
  # What a call to a model is for; routing learns each apart.
  unknown @0;
  plan @1;
  step @2;
  compose @3;
  verify @4;
  answer @5;
  # The whole goal in one call, without a plan.
  way @6;
  # No call: which way a job of mode `auto` goes.
  warm @7;
  # For an engine's prefix cache alone: nobody reads the output.
  embed @8;
  # Vectors of texts, at a model that makes such.
}

struct Usage @0x8c1d3e5f7a9b4017 {
  # What calls used, summed or for one of them.
  promptTokens @0 :UInt64;
  cachedPromptTokens @1 :UInt64;
  # Part of promptTokens that the engine had in its prefix cache.
  completionTokens @2 :UInt64;
  calls @3 :UInt32;
  costNanousd @4 :Int64;
  # At the model's prices: 1e-9 US dollars.
  costAllLargeNanousd @5 :Int64;
  # The same tokens at the large tier's prices.
  cacheHits @6 :UInt32;
  # Answers that came from a cache, without a call.
  savedNanousd @7 :Int64;
  # What those would have cost.
}

struct Check @0xd6e7f8091a2b5118 {
  # A verification of a text.
  kind @0 :Text;
  # number, exact, contains, regex, json_schema, judge, command; empty: none.
  argument @1 :Text;
  # exact, contains: the text; regex: RE2's syntax; json_schema: the schema; judge: the rubric;
  # command: the name of a [[check]] in the config.
}

struct Budget @0xb7d8e9fa0b1c2d19 {
  # What may be spent; 0: no limit of this sort.
  tokens @0 :UInt64;
  # Read and written, together.
  costNanousd @1 :Int64;
}

struct TraceContext @0x9c4e1f7a2b6d831b {
  # Where a span belongs, as in W3C's traceparent. Zeros: it is not traced.
  traceHigh @0 :UInt64;
  traceLow @1 :UInt64;
  span @2 :UInt64;
  # The parent of what is to be recorded.
  sampled @3 :Bool;
  # Somebody wants it recorded.
}
