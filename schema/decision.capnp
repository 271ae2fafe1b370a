@0xd1c2a6f0b8e14a05;
# Executor pool -> router: RouteQuery, answered with a Decision. Whoever learns how it turned out -> router: Reward.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Attempt = import "attempt.capnp";

struct RouteQuery @0xc6e7f8091a2b5151 {
  purpose @0 :Common.Purpose;
  kind @1 :Text;
  tenant @2 :Text;
  tier @3 :Text;
  promptBytes @4 :UInt32;
  maxTokens @5 :UInt32;
  excludedEngines @6 :List(Text);
  pinnedVersions @7 :List(Attempt.PinnedVersion);
  excludedModels @8 :List(Text);
  allowance @9 :Common.Budget;
  # Models that could cost more than this are filtered out.
  avoidedEngines @10 :List(Text);
  # Never used for this call: they have just refused it, or have it already.
  session @11 :Text;
  # Calls of one session stay at one engine while that takes little longer. Empty: none.
  mixWeights @12 :Bool;
  # `pinnedVersions` are preferred, not required, once no engine serves them.
  model @13 :Text;
  # Only this model; empty: any.
  passedOn @14 :Bool;
  # A client's request is to reach a server as it is: only engines that are such servers.
}

struct Candidate @0xb7f8091a2b3c6252 {
  model @0 :Text;
  tier @1 :Text;
  expectedCostNanousd @2 :Int64;
  filter @3 :Text;
  # Why it could not be chosen; empty: it could.
}

struct Decision @0xa8091a2b3c4d7353 {
  id @0 :UInt64;
  model @1 :Text;
  tier @2 :Text;
  engine @3 :Text;
  policy @4 :Text;
  propensity @5 :Float64;
  # The probability with which the policy chose this model here, in (0, 1].
  candidates @6 :List(Candidate);
  largeInputPriceNanousd @7 :Int64;
  # Of the large tier, per token: what the same call would have cost there.
  largeOutputPriceNanousd @8 :Int64;
  inputPriceNanousd @9 :Int64;
  outputPriceNanousd @10 :Int64;
  kept @11 :Bool;
  # The router waits for rewards, and can explain it.
  weightVersion @12 :Text;
  # Of the engine.
  profile @13 :UInt64;
  # Of the engine's prompt templates.
  promptTokens @14 :UInt64;
  # Estimated, and those of them that the engine should have in its prefix cache.
  cachedTokens @15 :UInt64;
}

enum RewardSource @0x991a2b3c4d5e8454 {
  unknown @0;
  verification @1;
  escalation @2;
  judge @3;
  user @4;
  outcome @5;
  # How the attempt itself ended.
  job @6;
  # How the job ended that the call was a part of.
}

struct Reward @0x8a2b3c4d5e6f9555 {
  decision @0 :UInt64;
  source @1 :RewardSource;
  quality @2 :Float64;
  # 0 to 1; negative: not known.
  costNanousd @3 :Int64;
  latencyUs @4 :UInt64;
  engine @5 :Text;
  tenant @6 :Text;
  # Of the job that it is about: another than the decision's is refused.
  purpose @7 :Common.Purpose;
  failed @8 :Bool;
  # With `outcome`: there was no good reply. With `job` of purpose `way`: the way was given up, the job goes on.
  promptBytes @9 :UInt32;
  # With `outcome`: what was asked.
  tokens @10 :List(ModelTokens);
  # With `outcome`: of the call; with `job`: of the whole job.
  cachedPromptTokens @11 :UInt64;
  # With `outcome`, this and what follows: of the call, as the engine said; 0: not known.
  firstTokenUs @12 :UInt64;
  queueUs @13 :UInt64;
  completionTokens @14 :UInt64;
  promptTokens @15 :UInt64;
  fromCache @16 :Bool;
  # No engine had a part in it: what was counted for it is given back, no rate is learned.
  cacheKey @17 :Data;
  # With `job` and purpose `plan`: of the plan, whose job's answer was verified with this quality.
  label @18 :UInt64;
  # Of the near plan that it was.
}

struct ModelTokens @0xd1d5e7f9a3b1c311 {
  model @0 :Text;
  prompt @1 :UInt64;
  completion @2 :UInt64;
}
