@0xd1c2a6f0b8e14a0d;
# What routers learn, keep and tell each other.
#   router -> router of another node: ArmStatistics, each time it has changed, and RouteSetting
#   router -> route_keeper: DecisionRecord, ArmStatistics, RouteChange to be kept; back at a start
#   client -> supervisor -> router: RouteCommand, answered with a RouteReport

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Decision = import "decision.capnp";

struct ArmStatistics @0xc1d5e7f9a3b1c301 {
  # What one origin has learned of one arm: absolute sums since the beginning, decayed. A later one replaces it.
  origin @0 :UInt64;
  # The journal id of the data folder that learned it.
  sequence @1 :UInt64;
  # Of this origin; the highest is the newest.
  purpose @2 :Common.Purpose;
  model @3 :Text;
  # Of a job's way: its name.
  weightVersion @4 :Text;
  featureVersion @5 :UInt32;
  dense @6 :UInt32;
  # Dimensions of the dense part.
  asOfMs @7 :UInt64;
  # Unix time at which the sums were worth what they say.
  weight @8 :Float64;
  # Rewards, decayed.
  qualitySum @9 :Float64;
  squareSum @10 :Float64;
  # Of qualities squared.
  gram @11 :List(Float32);
  # Lower triangle of the sum of x x', row by row.
  moments @12 :List(Float32);
  # Sum of x q.
  sparse @13 :List(Float32);
  # Weights of the sparse head, hashed then dense; empty: none.
  linearGain @14 :Float64;
  # Sums that say how far the contextual prediction is to be trusted, see quality_learner.
  linearPower @15 :Float64;
  sparseGain @17 :Float64;
  # The same for the sparse head over the dense part.
  sparsePower @18 :Float64;
  rewards @16 :UInt64;
  # Ever, not decayed.
}

struct FeatureVector @0xc2d5e7f9a3b1c302 {
  version @0 :UInt32;
  dense @1 :List(Float32);
  sparse @2 :List(SparseFeature);
}

struct SparseFeature @0xc3d5e7f9a3b1c303 {
  index @0 :UInt16;
  value @1 :Float32;
}

struct ArmScore @0xc4d5e7f9a3b1c304 {
  model @0 :Text;
  tier @1 :Text;
  weightVersion @2 :Text;
  filter @3 :Text;
  # Why it could not be chosen; empty: it could, and what follows is known.
  quality @4 :Float64;
  deviation @5 :Float64;
  # Standard deviation of the predicted quality.
  exploration @6 :Float64;
  # What was added to the quality for the sake of learning.
  cost @7 :Float64;
  # Of this call, over what the large tier would cost.
  costNanousd @8 :Int64;
  latencyUs @9 :UInt64;
  score @10 :Float64;
  propensity @11 :Float64;
}

struct ReceivedReward @0xc5d5e7f9a3b1c305 {
  source @0 :Decision.RewardSource;
  quality @1 :Float64;
  atMs @2 :UInt64;
}

struct DecisionRecord @0xc6d5e7f9a3b1c306 {
  id @0 :UInt64;
  atMs @1 :UInt64;
  purpose @2 :Common.Purpose;
  kind @3 :Text;
  tenant @4 :Text;
  policy @5 :Text;
  arms @6 :List(ArmScore);
  chosen @7 :UInt32;
  # Into `arms`.
  engine @8 :Text;
  features @9 :FeatureVector;
  costPrice @10 :Float64;
  # What a unit of cost was worth in quality: the configured weight and the tenant's dual price.
  latencyPrice @11 :Float64;
  rewards @12 :List(ReceivedReward);
  quality @13 :Float64;
  # As learned; negative: nothing was learned yet.
  costNanousd @14 :Int64;
  # Paid; negative: not known yet.
  latencyUs @15 :UInt64;
  tries @16 :UInt32;
  job @17 :Common.JobId;
  trial @18 :Text;
  # The candidate policy that weighed it too; empty: there was none.
  shadow @19 :List(Float64);
  # What a candidate in shadow would have chosen, with which probability, arm by arm; empty: there was none.
}

struct RouteSetting @0xc7d5e7f9a3b1c307 {
  # Which policy acts, and which is tried. The higher generation wins, among equal ones the later.
  generation @0 :UInt64;
  atMs @1 :UInt64;
  policy @2 :Text;
  candidate @3 :Text;
  # Empty: nothing is tried.
  share @4 :Float64;
  # Of decisions that the candidate makes; 0: in shadow.
  before @5 :Text;
  # What `rollback` goes back to.
  configured @6 :Text;
  # `routing.policy` when it was set: another one in the config since then wins.
}

struct RouteChange @0xc8d5e7f9a3b1c308 {
  # One change of the setting, kept for ever.
  atMs @0 :UInt64;
  setting @1 :RouteSetting;
  action @2 :RouteAction;
  why @3 :Text;
  by @4 :Text;
  # `client`, `router` (on evidence) or another node's name.
}

enum RouteAction @0xc9d5e7f9a3b1c309 {
  unknown @0;
  status @1;
  explain @2;
  try @3;
  promote @4;
  rollback @5;
  export @6;
}

struct RouteCommand @0xcad5e7f9a3b1c30a {
  action @0 :RouteAction;
  decision @1 :UInt64;
  # explain; export: only decisions that came after this one; 0: from the oldest that is kept.
  policy @2 :Text;
  # try.
  share @3 :Float64;
  # try: 0 is in shadow.
  reason @4 :Text;
  limit @5 :UInt32;
  # export: decisions in one reply.
}

struct ArmReport @0xcbd5e7f9a3b1c30b {
  purpose @0 :Common.Purpose;
  model @1 :Text;
  weightVersion @2 :Text;
  decisions @3 :UInt64;
  # Since the node started.
  rewards @4 :UInt64;
  # Ever, all origins.
  weight @5 :Float64;
  quality @6 :Float64;
  deviation @7 :Float64;
  origins @8 :UInt32;
  drift @9 :Text;
  # The alarm; empty: none.
  trust @10 :Float64;
  # 0 to 1: how far the contextual prediction counts.
}

struct TenantReport @0xccd5e7f9a3b1c30c {
  tenant @0 :Text;
  targetNanousd @1 :Int64;
  # A job, or an hour.
  perHour @2 :Bool;
  spentNanousd @3 :Int64;
  # A job on average, or in this hour.
  price @4 :Float64;
  # The dual price of cost.
}

struct TrialReport @0xcdd5e7f9a3b1c30d {
  candidate @0 :Text;
  share @1 :Float64;
  decisions @2 :UInt64;
  # That count as evidence.
  difference @3 :Float64;
  # Candidate minus incumbent: quality less the price of cost, a decision.
  low @4 :Float64;
  high @5 :Float64;
  # Bounds that hold at any time.
}

struct RouteReport @0xced5e7f9a3b1c30e {
  setting @0 :RouteSetting;
  arms @1 :List(ArmReport);
  tenants @2 :List(TenantReport);
  trial @3 :TrialReport;
  changes @4 :List(RouteChange);
  # Newest first.
  decision @5 :DecisionRecord;
  # explain.
  decisions @6 :List(DecisionRecord);
  # export, oldest first.
  more @7 :Bool;
  rewards @8 :RewardCounts;
  setAside @9 :List(Text);
  # Records that were found damaged, or from a later version, each with its reason.
  notes @10 :List(Text);
  # What a person should know: a judge that does not tell right from wrong, a demoted policy, drift.
  nodes @11 :List(OriginReport);
}

struct OriginReport @0xcfd5e7f9a3b1c30f {
  origin @0 :UInt64;
  node @1 :Text;
  asOfMs @2 :UInt64;
  own @3 :Bool;
}

struct RewardCounts @0xd0d5e7f9a3b1c310 {
  learned @0 :UInt64;
  corrected @1 :UInt64;
  # A better source said otherwise.
  again @2 :UInt64;
  # The same source a second time: ignored.
  unknown @3 :UInt64;
  # Of decisions that are not kept.
  late @4 :UInt64;
  # Beyond the window.
  refused @5 :UInt64;
  # Out of range, not a number, or from another tenant.
  missing @6 :UInt64;
  # Decisions whose window ended without one.
}

struct TenantPrice @0xd2d5e7f9a3b1c312 {
  # What dual_price remembers.
  tenant @0 :Text;
  level @1 :Float64;
  debtNanousd @2 :Float64;
  jobMeanNanousd @3 :Float64;
  jobNowNanousd @4 :Float64;
  jobs @5 :UInt64;
  asOfMs @6 :UInt64;
  hour @7 :UInt64;
  hourSpentNanousd @8 :Float64;
}

struct TrialSums @0xd3d5e7f9a3b1c313 {
  # What trial_evidence remembers.
  generation @0 :UInt64;
  # Of the setting that the trial belongs to.
  decisions @1 :UInt64;
  clipped @2 :UInt64;
  mean @3 :Float64;
  squares @4 :Float64;
  factors @5 :Float64;
  surprises @6 :Float64;
}

struct JudgeCounts @0xd4d5e7f9a3b1c314 {
  # What judge_audit remembers.
  rightAsRight @0 :Float64;
  rightAsWrong @1 :Float64;
  wrongAsRight @2 :Float64;
  wrongAsWrong @3 :Float64;
}

struct RouterMemory @0xd5d5e7f9a3b1c315 {
  # What a router keeps besides statistics and decisions; written together with them.
  prices @0 :List(TenantPrice);
  trial @1 :TrialSums;
  judge @2 :JudgeCounts;
}
