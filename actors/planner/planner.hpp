#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/archive/archive_actor.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/job/job.hpp"
#include "actors/planner/planner_actor.hpp"
#include "actors/planner/planner_config.hpp"
#include "actors/planner/weight_pins.hpp"

namespace tandem {

using planner_inside = planner_actor::extend<
    // From a job: it has ended, or was paused and is at rest.
    caf::reacts_to<ended_atom, std::uint64_t, tmsg::jobsum>,
    // From a job: the weight version that it stays with, see job_owner.
    caf::reacts_to<add_atom, tmsg::wtpin>,
    // To itself: some job's deadline has passed; old jobs may be purged.
    caf::reacts_to<expire_atom>, caf::reacts_to<expired_atom>,
    // From the supervisor: takes no more jobs; answered when none is left that is not paused.
    caf::replies_to<drain_atom>::with<caf::ok_atom>,
    // To itself: this job could not be read; try again.
    caf::reacts_to<load_atom, std::uint64_t>,
    // An actor that it talks to was started anew.
    caf::reacts_to<wire_atom, executor_pool_actor>, caf::reacts_to<wire_atom, archive_actor>>;

struct planner_peers {
  journal_actor journal;
  archive_actor archive;
  executor_pool_actor pool;
};

/// What the planner finds in the journal at its start.
struct planner_start {
  journal_id journal;
  job_settings settings;
  std::uint64_t next_number = 1;
  /// Unfinished jobs, oldest first.
  std::vector<std::uint64_t> open;
};

/// Of one job; one more, and the oldest is answered with the job as it is.
inline constexpr std::size_t waits_max = 1024;

struct planner_state {
  static constexpr const char* name = "planner";
  using pointer = planner_inside::stateful_pointer<planner_state>;
  template <class T>
  using promise = caf::typed_response_promise<T>;

  /// A job that has not ended.
  struct open_job {
    std::int8_t priority = 0;
    job_actor actor;
    /// Loading from the archive; the actor comes soon.
    bool starting = false;
    bool paused = false;
    std::uint64_t deadline_at_ms = 0;
    /// Reads of its records that failed in a row.
    std::uint32_t loads_failed = 0;
    std::vector<promise<tmsg::jobsum>> waits;
    /// Asked for while there was no actor to ask.
    std::vector<std::pair<tmsg::follow, promise<tmsg::events>>> follows;
    std::vector<std::pair<tmsg::jobcmd, promise<tmsg::jobsum>>> commands;
    std::vector<std::pair<tmsg::feedbk, promise<tmsg::jobsum>>> feedbacks;
  };

  journal_id journal;
  job_settings settings;
  planner_peers peers;
  std::uint64_t next_number = 1;
  std::unordered_map<std::uint64_t, open_job> jobs;
  /// Jobs that wait for room: higher priority first, older first.
  std::map<std::pair<int, std::uint64_t>, std::uint64_t> queue;
  std::size_t running = 0;
  weight_pins pins;
  /// Client keys whose submission is on its way into the journal.
  std::map<std::pair<std::string, std::string>,
           std::vector<std::pair<tmsg::submit, promise<tmsg::submitd>>>>
      pending_keys;
  std::multimap<std::uint64_t, std::uint64_t> deadlines;
  std::uint64_t timer_at_ms = 0;
  std::uint64_t accepted = 0;
  /// Submissions on their way into the journal.
  std::size_t accepting = 0;
  bool draining = false;
  std::vector<promise<caf::ok_atom>> drains;

  planner_state() = default;
  planner_state(const planner_state&) = delete;
  planner_state& operator=(const planner_state&) = delete;
  /// Its jobs do not outlive it.
  ~planner_state();

  // planner_submit.cpp: from a submission to its acknowledgement.
  void submit(pointer self, tmsg::submit request, promise<tmsg::submitd> promise);
  /// The job that the key names, without accepting one.
  void find(pointer self, tmsg::submit request, promise<tmsg::submitd> promise);
  void submit_known(pointer self, std::uint64_t number, tmsg::submit request,
                    promise<tmsg::submitd> promise);
  void accept(pointer self, tmsg::submit request, promise<tmsg::submitd> promise);
  /// Answers all who came with the same key; the first of them may have its answer already.
  void finish_key(pointer self, schema::Submit::Reader request,
                  const caf::expected<std::uint64_t>& number, bool first_answered);
  [[nodiscard]] tmsg::submitd acknowledgement(std::uint64_t number, bool duplicate) const;

  // planner_purge.cpp: removing what has ended.
  caf::result<tmsg::purged> purge(pointer self, const tmsg::purge& request);
  void purge_expired(pointer self);

  // planner_crash.cpp: jobs whose actor crashed, and jobs that cannot be read.
  /// Started again from its records, or failed: see planner_config::crashes_max.
  void on_crash(pointer self, std::uint64_t number, const caf::error& reason);
  void after_crash(pointer self, std::uint64_t number, const caf::error& reason,
                   std::vector<job_record> records);
  /// `corrupted`: it fails with this reason; anything else is tried again after a while.
  void on_unreadable(pointer self, std::uint64_t number, const caf::error& why);
  void fail_unreadable(pointer self, std::uint64_t number, const caf::error& why);
  void fail_line(pointer self, std::uint64_t number, const tmsg::jobsum& line,
                 const caf::error& why);
  /// Answers all that wait for it with this error and leaves it to the node's next start.
  void abandon(pointer self, std::uint64_t number, const caf::error& why);
  /// Commands and feedback that were on their way to an actor which is no more.
  static void refuse_waiting(open_job& job, const caf::error& why);

  // planner.cpp: jobs that have not ended.
  void admit(pointer self, std::uint64_t number, open_job job, job_record submitted);
  void load(pointer self, std::uint64_t number);
  void spawn_job(pointer self, std::uint64_t number, std::vector<job_record> records);
  void spawn_waiting(pointer self);
  void forward_waiting(pointer self, open_job& job);
  void forward_command(pointer self, open_job& job, const tmsg::jobcmd& command,
                       promise<tmsg::jobsum> promise);
  /// To the job's actor, which is woken where there is none.
  void to_job(pointer self, std::uint64_t number, const tmsg::jobcmd& command,
              promise<tmsg::jobsum> promise);
  void to_job(pointer self, std::uint64_t number, const tmsg::feedbk& feedback,
              promise<tmsg::jobsum> promise);
  void forward_feedback(pointer self, open_job& job, const tmsg::feedbk& feedback,
                        promise<tmsg::jobsum> promise);
  /// The journal turned out not to have it.
  void forget(std::uint64_t number);
  /// `not_found` for a number that this journal has never given.
  [[nodiscard]] caf::error check_number(schema::JobId::Reader job) const;
  void on_ended(pointer self, std::uint64_t number, const tmsg::jobsum& summary);
  void on_pin(pointer self, schema::WeightPin::Reader pin);
  [[nodiscard]] caf::result<tmsg::wtoutcm> count_pins(schema::WeightPin::Reader question) const;
  void add_deadline(pointer self, std::uint64_t number, std::uint64_t at_ms);
  void expire(pointer self);
  /// Answers those who wait for the drain, once nothing is left to do.
  void check_drained();
  /// The open job that `job` names; null: it has ended or never was here.
  [[nodiscard]] open_job* find_open(schema::JobId::Reader job);
  /// Wakes a job that has ended or rests, for something that only its actor can do.
  open_job& wake(pointer self, std::uint64_t number);
};

[[nodiscard]] planner_inside::behavior_type planner_behavior(planner_state::pointer self,
                                                             planner_start start,
                                                             planner_peers peers);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::archive_actor)
