@0xd1c2a6f0b8e14a11;
# What was spent, as the journals tell it. The client asks a front, the front every journal's home, that the archive:
#   CostQuery -> CostReport   one part of each journal, as much as it can read without holding others up. Whoever asks adds
#                             the parts up, and asks for the next one with the report's cursors until there are none.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";
using Job = import "job.capnp";

struct CostKeys @0xd2f40c1e3a5b7d01 {
  # What rows are kept apart by; everything else is added up.
  day @0 :Bool;
  tenant @1 :Bool;
  model @2 :Bool;
  kind @3 :Bool;
  purpose @4 :Bool;
}

struct CostCursor @0xd2f40c1e3a5b7d02 {
  journal @0 :UInt64;
  after @1 :UInt64;
  # Only job numbers above this.
  afterMs @2 :UInt64;
  # When that job was submitted.
}

struct CostQuery @0xd2f40c1e3a5b7d03 {
  fromMs @0 :UInt64;
  # Calls whose end was recorded at this Unix time or later.
  toMs @1 :UInt64;
  # And before this one; 0: until now.
  tenant @2 :Text;
  # Empty: all.
  by @3 :CostKeys;
  cursors @4 :List(CostCursor);
  # Where journals go on, and only these are asked; empty: all, from the start. A home is asked with its own alone.
  bytesMax @5 :UInt32;
  # Of the rows of one journal's part; 0: the node's default.
}

struct CostRow @0xd2f40c1e3a5b7d04 {
  # The sums of calls that have the same keys; those not asked for are empty.
  dayMs @0 :UInt64;
  # The day's first moment, UTC.
  tenant @1 :Text;
  model @2 :Text;
  tier @3 :Text;
  # Of the model.
  kind @4 :Text;
  # Of the step; empty for other purposes.
  purpose @5 :Common.Purpose;
  usage @6 :Common.Usage;
  attempts @7 :UInt64;
  # With those that failed, or came from a cache.
  failed @8 :UInt64;
  failedNanousd @9 :Int64;
  # What those cost that failed.
  simulated @10 :UInt64;
  # Attempts at `sim` engines.
  unpriced @11 :UInt64;
  # Attempts with no price of a large model to compare with.
  unpricedNanousd @12 :Int64;
  # What those cost: no part of a saving.
  failedAllLargeNanousd @13 :Int64;
  # The tokens of those that failed at the large tier's prices: a large model may not have needed them.
}

struct CostJobs @0xd2f40c1e3a5b7d05 {
  # Of jobs with the same day (of their end; of unfinished ones: of their submission) and tenant.
  dayMs @0 :UInt64;
  tenant @1 :Text;
  done @2 :UInt64;
  failed @3 :UInt64;
  cancelled @4 :UInt64;
  unfinished @5 :UInt64;
  simulated @6 :UInt64;
  # In which a `sim` engine had a part.
  judged @7 :UInt64;
  # Ended, with users' feedback, or with a check of the answer.
  right @8 :UInt64;
  # Of these: feedback of .5 or more; without feedback: done.
  judgedNanousd @9 :Int64;
  # What judged jobs cost, all of their calls.
  judgedAllLargeNanousd @10 :Int64;
}

struct CostDraw @0xd2f40c1e3a5b7d06 {
  # One draw of a bootstrap over jobs: sums in which each job counts as often as it was drawn.
  costNanousd @0 :Int64;
  # Of calls that have a price to compare with.
  allLargeNanousd @1 :Int64;
  judgedNanousd @2 :Int64;
  right @3 :UInt64;
}

struct CostReport @0xd2f40c1e3a5b7d07 {
  rows @0 :List(CostRow);
  jobs @1 :List(CostJobs);
  draws @2 :List(CostDraw);
  cursors @3 :List(CostCursor);
  # Of the next part; empty: this was the last.
  missing @4 :List(Job.MissingJournal);
  # Not in the sums from here on.
  journals @5 :UInt32;
  # That answered.
  jobsCounted @6 :UInt64;
  # Jobs with calls in the period.
  purged @7 :UInt64;
  # Numbers of jobs that are no more, between those of jobs that may have had calls in the period.
  unreadable @8 :UInt64;
  # Jobs left out since their records are damaged.
  unreadableWhy @9 :Text;
  # Of the first of them.
  folded @10 :Bool;
  # There were more rows than fit: the rest is added up as one kind or tenant, `(others)`.
  firstMs @11 :UInt64;
  # When the first and the last of the calls ended; 0: there were none.
  lastMs @12 :UInt64;
  jobsSimulated @13 :UInt64;
  # Of `jobsCounted`.
}
