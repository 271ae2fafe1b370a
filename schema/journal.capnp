@0xd1c2a6f0b8e14a08;
# What the journal holds. Records are never sent; wire messages are in the other files. A job's state is what
# its records say when they are applied in order, and nothing else.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Job = import "job.capnp";
using Attempt = import "attempt.capnp";

struct JobRecord @0xa08192a3b4c5fb81 {
  # One thing that happened to one job. Its number within the job is in the key.
  atMs @0 :UInt64;
  union {
    submitted @1 :SubmittedRecord;
    stepsPlanned @2 :List(StepRecord);
    # In the order of the plan; a plan that streams in makes several of these.
    planComplete @3 :PlanRecord;
    attemptFailed @4 :AttemptRecord;
    stepDone @5 :DoneRecord;
    epochStarted @6 :EpochRecord;
    stateChanged @7 :StateRecord;
    ended @8 :EndRecord;
    feedback @9 :FeedbackRecord;
    way @10 :WayRecord;
  }
}

struct SubmittedRecord @0x9192a3b4c5d70c82 {
  clientKey @0 :Text;
  tenant @1 :Text;
  messages @2 :List(Common.ChatMessage);
  mode @3 :Job.PlanMode;
  deadlineAtMs @4 :UInt64;
  priority @5 :Int8;
  tags @6 :List(Text);
  budget @7 :Common.Budget;
  check @8 :Common.Check;
  cache @9 :Common.CacheUse;
  session @10 :Text;
  weights @11 :Common.WeightPolicy;
  # As it was decided when it was accepted; unknown, of older records: it fails.
  trace @12 :Common.TraceContext;
}

struct StepRecord @0x82a3b4c5d6e81d83 {
  step @0 :UInt32;
  epoch @1 :UInt32;
  kind @2 :Text;
  prompt @3 :Text;
  dependsOn @4 :List(UInt32);
  check @5 :Text;
  # As the planner wrote it: JSON.
}

struct PlanRecord @0xf3b4c5d6e7f92e84 {
  epoch @0 :UInt32;
  answerStep @1 :UInt32;
  compose @2 :Text;
  # Prompt of a composed answer; empty: the answer is answerStep's result.
  attempt @3 :AttemptRecord;
}

struct AttemptRecord @0xe4c5d6e7f80a3f85 {
  attempt @0 :UInt32;
  step @1 :UInt32;
  epoch @2 :UInt32;
  purpose @3 :Common.Purpose;
  engine @4 :Text;
  model @5 :Text;
  tier @6 :Text;
  weightVersion @7 :Text;
  error @8 :Common.Error;
  rung @9 :Text;
  usage @10 :Common.Usage;
  queueUs @11 :UInt64;
  firstTokenUs @12 :UInt64;
  totalUs @13 :UInt64;
  decision @14 :UInt64;
  simulated @15 :Bool;
  hedged @16 :Bool;
  cache @17 :Attempt.CacheNote;
}

struct DoneRecord @0xd5d6e7f8091b5086 {
  attempt @0 :AttemptRecord;
  # Its `step` is 0 for a composed or a direct answer.
  result @1 :Text;
}

struct EpochRecord @0xc6e7f8091a2c6187 {
  epoch @0 :UInt32;
  reason @1 :Text;
}

struct StateRecord @0xb7f8091a2b3d7288 {
  state @0 :Job.JobState;
  # paused, running (resumed or retried), cancelled only as an EndRecord.
  reason @1 :Text;
  deadlineAtMs @2 :UInt64;
  # Of a retried job: its new deadline.
  crashes @3 :UInt32;
  # How often its actor has crashed since it was submitted or retried; 0: this is not about a crash.
}

struct EndRecord @0xa8091a2b3c4e8389 {
  state @0 :Job.JobState;
  reason @1 :Text;
  code @2 :Common.Errc;
  # The answer is the result of the plan's answer step, or of step 0 (composed, direct).
}

struct WayRecord @0x8b2b3c4d5e70a58b {
  # Of a job of mode `auto`: which way it goes from here on, or that the present one has failed.
  mode @0 :Job.PlanMode;
  # planAct, large, small; auto: `failed` has, and another one is to be chosen.
  failed @1 :Job.PlanMode;
  reason @2 :Text;
  attempt @3 :UInt32;
  decision @4 :UInt64;
  # The router's; 0: it made none.
  policy @5 :Text;
}

struct FeedbackRecord @0x991a2b3c4d5f948a {
  score @0 :Float32;
  comment @1 :Text;
}
