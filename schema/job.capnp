@0xd1c2a6f0b8e14a02;
# Client <-> planner. The client submits, follows, lists, controls and purges jobs; the planner answers
# from the journal for jobs that have ended and through the job actor for those that run.
#   Submit      -> Submitted        acknowledged only after the journal has it
#   JobQuery    -> JobList          one page, newest first
#   JobRef      -> JobView          everything about one job, texts cut to a limit
#   Follow      -> JobEvents        waits until there is something newer than `after`, or the job ends
#   wait JobRef -> JobSummary       waits until the job ends
#   ResultQuery -> ResultChunk      the answer's text, in pieces
#   JobCommand  -> JobSummary       cancel, pause, resume, retry
#   Purge       -> Purged
#   Feedback    -> JobSummary

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Attempt = import "attempt.capnp";

enum PlanMode @0xb7f809a1c2d35221 {
  unknown @0;
  planAct @1;
  # A large model plans, small ones act.
  large @2;
  # One call to the large tier.
  small @3;
  # One call to the small tier.
  auto @4;
  # The router decides which of the above; another one where the first turns out wrong.
}

enum JobState @0xa8091b2c3d4e5322 {
  unknown @0;
  queued @1;
  running @2;
  paused @3;
  done @4;
  failed @5;
  cancelled @6;
}

struct Submit @0x991a2b3c4d5e6423 {
  clientKey @0 :Text;
  # Optional. The same key with the same content gives the same job, never a second one.
  tenant @1 :Text;
  messages @2 :List(Common.ChatMessage);
  mode @3 :PlanMode;
  timeoutMs @4 :UInt64;
  # From acknowledgement to the end; 0: the node's default.
  priority @5 :Int8;
  # Higher first, -100 to 100.
  tags @6 :List(Text);
  budget @7 :Common.Budget;
  # Of the whole job; zeros: no limit.
  check @8 :Common.Check;
  # Of the answer.
  cache @9 :Common.CacheUse;
  session @10 :Text;
  # Optional: calls of jobs of one session prefer the engine that has read their common texts.
  weights @11 :Common.WeightPolicy;
  trace @12 :Common.TraceContext;
}

struct Submitted @0x8a2b3c4d5e6f7524 {
  job @0 :Common.JobId;
  duplicate @1 :Bool;
  # The client key was known already.
}

struct JobRef @0xfb3c4d5e6f708625 {
  job @0 :Common.JobId;
  textBytesMax @1 :UInt32;
  # Texts in the reply are cut to this; 0: the node's default.
}

struct JobSummary @0xec4d5e6f70819726 {
  job @0 :Common.JobId;
  state @1 :JobState;
  reason @2 :Text;
  # Why it failed, was cancelled or waits.
  goal @3 :Text;
  # The last user message, cut.
  tenant @4 :Text;
  tags @5 :List(Text);
  priority @6 :Int8;
  mode @7 :PlanMode;
  submittedAtMs @8 :UInt64;
  # Unix time.
  endedAtMs @9 :UInt64;
  # 0 while it has not ended.
  epoch @10 :UInt32;
  stepsDone @11 :UInt32;
  stepsTotal @12 :UInt32;
  usage @13 :Common.Usage;
  answer @14 :Text;
  # Cut.
  answerBytes @15 :UInt64;
  simulated @16 :Bool;
  # Some of it came from a `sim` engine.
  feedback @17 :Float32;
  # Mean score of `tandem feedback`, 0 to 1; -1 when there is none.
  deadlineAtMs @18 :UInt64;
  # 0: none.
  budget @19 :Common.Budget;
  routed @20 :Bool;
  # Submitted as `auto`: the router has chosen `mode`, or is about to.
}

struct JobQuery @0xdd5e6f708192a827 {
  states @0 :List(JobState);
  # Empty: all.
  tenant @1 :Text;
  tag @2 :Text;
  text @3 :Text;
  # Part of the goal.
  before @4 :UInt64;
  # Only job numbers below this; 0: from the newest.
  limit @5 :UInt32;
  cursors @6 :List(JournalCursor);
  # Where each journal goes on: those of the page before. Journals that are not named here start from `before`.
}

struct JournalCursor @0xd96f8193a4b5c039 {
  journal @0 :UInt64;
  before @1 :UInt64;
  # Only job numbers below this; 0: from the newest; 1: no more.
}

struct JobList @0xce6f708192a3b928 {
  jobs @0 :List(JobSummary);
  next @1 :UInt64;
  # `before` of the next page; 0: no more, or see `cursors`.
  cursors @2 :List(JournalCursor);
  # Of the next page, when the list is of several journals; empty: no more.
  missing @3 :List(MissingJournal);
  # Their jobs are not in this list.
}

struct MissingJournal @0xca7082a4b5c6d13a {
  journal @0 :UInt64;
  node @1 :Text;
  # Its home, or the last one.
  address @2 :Text;
  waiting @3 :Bool;
  # It is open nowhere: its jobs wait for it. Otherwise its home did not answer in time.
}

enum StepState @0xbf708192a3b4ca29 {
  unknown @0;
  waiting @1;
  running @2;
  done @3;
  abandoned @4;
  # Belonged to an epoch that was given up.
}

struct AttemptView @0xa08192a3b4c5db2a {
  attempt @0 :UInt32;
  step @1 :UInt32;
  epoch @2 :UInt32;
  purpose @3 :Common.Purpose;
  engine @4 :Text;
  model @5 :Text;
  tier @6 :Text;
  weightVersion @7 :Text;
  error @8 :Common.Error;
  # code `unknown`: it succeeded.
  rung @9 :Text;
  # What the ladder did because of the error.
  usage @10 :Common.Usage;
  queueUs @11 :UInt64;
  firstTokenUs @12 :UInt64;
  totalUs @13 :UInt64;
  decision @14 :UInt64;
  atMs @15 :UInt64;
  hedged @16 :Bool;
  cache @17 :Attempt.CacheNote;
}

struct StepView @0x9192a3b4c5d6ec2b {
  step @0 :UInt32;
  epoch @1 :UInt32;
  kind @2 :Text;
  prompt @3 :Text;
  dependsOn @4 :List(UInt32);
  state @5 :StepState;
  result @6 :Text;
  model @7 :Text;
  doneAtMs @8 :UInt64;
}

struct JobView @0x82a3b4c5d6e7fd2c {
  summary @0 :JobSummary;
  steps @1 :List(StepView);
  attempts @2 :List(AttemptView);
  answerStep @3 :UInt32;
  # 0: composed, or no plan yet.
  planComplete @4 :Bool;
  cut @5 :Bool;
  # Some texts were cut to `textBytesMax`, or steps and attempts to the reply's limit.
  ways @6 :List(WayView);
  # Of mode `auto`.
}

struct Follow @0xf3b4c5d6e7f80e2d {
  job @0 :Common.JobId;
  after @1 :UInt64;
  # The last event number seen; 0: from the start.
  atOnce @2 :Bool;
  # Do not wait.
}

struct JobEvent @0xe4c5d6e7f8091f2e {
  number @0 :UInt64;
  atMs @1 :UInt64;
  union {
    state @2 :JobSummary;
    # The job's state changed (submitted, paused, resumed, ended, retried).
    steps @3 :List(StepView);
    # Steps were planned (waiting) or finished (done).
    attemptFailed @4 :AttemptView;
    epoch @5 :EpochView;
    planComplete @6 :PlanView;
    way @7 :WayView;
  }
}

struct EpochView @0xd5d6e7f8091a302f {
  epoch @0 :UInt32;
  reason @1 :Text;
}

struct WayView @0xcd70819203a4b53b {
  mode @0 :PlanMode;
  # auto: another way is to be chosen.
  failed @1 :PlanMode;
  reason @2 :Text;
  decision @3 :UInt64;
  policy @4 :Text;
  atMs @5 :UInt64;
}

struct PlanView @0xc6e7f8091a2b4130 {
  epoch @0 :UInt32;
  answerStep @1 :UInt32;
  composed @2 :Bool;
  attempt @3 :AttemptView;
}

struct JobEvents @0xb7f8091a2b3c5231 {
  events @0 :List(JobEvent);
  ended @1 :Bool;
  # Nothing newer will come (until somebody retries the job).
  last @2 :UInt64;
  # `after` of the next request: the newest record looked at, also where it made no event.
}

struct ResultQuery @0xa8091a2b3c4d6332 {
  job @0 :Common.JobId;
  offset @1 :UInt64;
}

struct ResultChunk @0x991a2b3c4d5e7433 {
  state @0 :JobState;
  reason @1 :Text;
  text @2 :Data;
  # Bytes of the answer from `offset` on.
  totalBytes @3 :UInt64;
}

enum JobAction @0x8a2b3c4d5e6f8534 {
  unknown @0;
  cancel @1;
  pause @2;
  resume @3;
  retry @4;
  # A failed or cancelled job goes on: finished steps stay, the rest starts again.
}

struct JobCommand @0xfb3c4d5e6f709635 {
  job @0 :Common.JobId;
  action @1 :JobAction;
  reason @2 :Text;
}

struct Purge @0xec4d5e6f7081a736 {
  job @0 :Common.JobId;
  # number 0: by age instead.
  olderThanMs @1 :UInt64;
  # Ended longer ago than this.
}

struct Purged @0xdd5e6f708192b837 {
  jobs @0 :UInt64;
  bytes @1 :UInt64;
}

struct Feedback @0xce6f708192a3c938 {
  job @0 :Common.JobId;
  score @1 :Float32;
  # 0 (useless) to 1 (perfect).
  comment @2 :Text;
}
