#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/job/job_actor.hpp"
#include "actors/job/job_machine.hpp"
#include "actors/journal/journal_actor.hpp"

namespace tandem {

struct job_peers {
  journal_actor journal;
  executor_pool_actor pool;
  job_owner owner;
};

/// What a job actor starts from: all of its records, already durable.
struct job_start {
  job_id id;
  job_settings settings;
  std::vector<job_record> records;
  /// A command or feedback follows at once: do nothing before it (the job may have ended long ago).
  bool awaits_command = false;
};

/// Follows that one job keeps waiting; the oldest is answered early when another comes.
inline constexpr std::size_t follows_max = 64;

struct job_actor_state {
  static constexpr const char* name = "job";
  using pointer = job_actor::stateful_pointer<job_actor_state>;

  struct waiting_follow {
    std::uint32_t after;
    caf::typed_response_promise<tmsg::events> promise;
  };

  std::unique_ptr<job_machine> machine;
  job_peers peers;
  std::vector<waiting_follow> follows;
  /// Answered with the summary once everything written so far is durable.
  std::deque<std::pair<std::uint32_t, caf::typed_response_promise<tmsg::jobsum>>> commands;
  std::uint32_t backoff_exponent = 0;
  bool wake_pending = false;
  /// The next write makes an ended job unfinished again; the one after it brings the job's line in
  /// lists up to date.
  bool reopen = false;
  bool summary_due = false;
  bool told_owner = false;
  /// Weight versions that its owner knows of, by model.
  std::map<std::string, std::string> told_versions;
  /// Its tenant has a budget.
  bool keeps_account = false;
  /// Null: nothing is traced.
  std::shared_ptr<tracer> traces;

  job_actor_state() = default;
  job_actor_state(const job_actor_state&) = delete;
  job_actor_state& operator=(const job_actor_state&) = delete;
  /// CAF does not answer for a promise that dies with its actor: whoever waits is told here.
  ~job_actor_state();

  void pump(pointer self);
  void carry_out(pointer self, job_outbox out);
  void write(pointer self, std::vector<job_record> records, std::uint32_t last);
  void add_spending(journal_write& write) const;
  void on_committed(pointer self, std::size_t count);
  // job_trace.cpp
  /// 0: this one is not recorded.
  [[nodiscard]] std::uint64_t begin_trace(const tmsg::attempt& attempt) const;
  void record_attempt(const tmsg::attempt& attempt, std::uint64_t began_ns,
                      const tmsg::attres& result) const;
  void record_job() const;

  void tell_versions(pointer self);
  void answer_waiting();
  void stop_when_over(pointer self);
};

[[nodiscard]] job_actor::behavior_type job_behavior(job_actor_state::pointer self, job_start start,
                                                    job_peers peers);

}  // namespace tandem
