#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "actors/budget.hpp"
#include "actors/job/job_state.hpp"
#include "actors/job/ladder.hpp"
#include "actors/job/plan/plan_parser.hpp"
#include "schema/attempt.capnp.h"
#include "schema/types.hpp"

namespace tandem {

class tracer;

struct job_settings {
  planner_config limits;
  std::string large_tier = "large";
  std::string small_tier = "small";
  /// The tier that plans, whatever else is free or cheaper; empty: the router decides.
  std::string plan_tier;
  /// Models of the small tier beside the first.
  std::uint32_t other_small_models = 0;
  /// JSON schema of plans, for engines that can hold a model to it; empty: none is sent.
  std::string plan_schema;
  /// Of the dearest model, 1e-9 US dollars a token; and what the longest prompt profile adds.
  std::int64_t input_price_nanousd_max = 0;
  std::int64_t output_price_nanousd_max = 0;
  std::size_t profile_bytes_max = 0;
  /// How often the templates of a model repeat the goal.
  std::size_t profile_times_max = 1;
  /// Tenants with a budget: what they spend is kept account of.
  std::vector<std::string> budget_tenants;
  /// The names of the user's commands that verify.
  std::vector<std::string> check_commands;
  /// Of the job's actor and its planner; null: nothing is traced.
  std::shared_ptr<tracer> trace = {};
  /// Why a check cannot be used; empty: it can. Null: checks are taken as they are.
  std::string (*check_problem)(std::string_view kind, std::string_view argument) = nullptr;

  /// check_problem(), and whether a command is one of those that there are.
  [[nodiscard]] std::string problem_of_check(std::string_view kind,
                                             std::string_view argument) const;

  /// What `[[kind]]` says of steps of this kind; null: nothing.
  [[nodiscard]] const kind_config* find_kind(std::string_view kind) const;
};

[[nodiscard]] plan::limits plan_limits(const planner_config& config);

/// What the machine wants done. Records are to be journaled in this order, as one write, and then
/// given back to committed().
struct job_outbox {
  std::vector<job_record> records;
  /// Attempts nobody waits for any more.
  std::vector<tmsg::cancel> cancels;
  /// For the router: how its decisions turned out.
  std::vector<tmsg::reward> rewards;
  /// Engines are busy: call wake() and next_attempts() after a pause, which is at least what they
  /// asked for.
  bool wait = false;
  std::uint64_t wait_ms_min = 0;
};

/// Decides what one job does next. No actors, no clock: time comes in as Unix milliseconds. Facts
/// change only when records are committed, so whatever it sends out depends on what is durable
/// alone.
class job_machine {
 public:
  job_machine(job_id id, const job_settings& settings);

  [[nodiscard]] const job_state& state() const { return state_; }
  /// Records that are durable; state() may be ahead of it only when the job has ended.
  [[nodiscard]] std::uint32_t committed_number() const { return committed_; }
  /// The number that the next record handed out will have.
  [[nodiscard]] std::uint32_t next_number() const {
    return state_.last_number() + static_cast<std::uint32_t>(pending_.size()) + 1;
  }
  /// As state() has them, and from records that are on their way into the journal: what is sent
  /// meanwhile is of the same versions.
  [[nodiscard]] const std::map<std::string, std::string>& weight_versions() const {
    return versions_;
  }
  /// Attempts that were sent and not answered.
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  /// Nothing is under way, not even what was told to stop and has yet to say what it cost, and
  /// nothing will be sent until a command comes.
  [[nodiscard]] bool at_rest() const {
    return in_flight_.empty() && cancelled_.empty() && pending_.empty();
  }
  /// No command that is on its way into the journal opens it again.
  [[nodiscard]] bool has_ended() const;

  /// Recovery: a record that is durable already.
  [[nodiscard]] caf::error replay(job_record record);
  /// The next `count` records that were handed out are durable now.
  [[nodiscard]] caf::error committed(std::size_t count);

  /// Attempts to send now; each counts as in flight from then on. An attempt that cannot even be
  /// made ends the job: see `out`.
  [[nodiscard]] std::vector<tmsg::attempt> next_attempts(std::uint64_t now_ms, job_outbox& out);

  /// The pause is over: what waits for busy engines may be sent again.
  void wake();

  /// A piece of a plan that is being written. Stale ones do nothing.
  [[nodiscard]] job_outbox on_chunk(const tmsg::chunk& chunk, std::uint64_t now_ms);
  /// Stale ones do nothing.
  [[nodiscard]] job_outbox on_result(const tmsg::attres& result, std::uint64_t now_ms);
  /// The pool did not answer at all.
  [[nodiscard]] job_outbox on_no_answer(schema::Fence::Reader fence, errc code,
                                        std::string_view message, std::uint64_t now_ms);
  /// `conflict` when the job's state does not allow it.
  [[nodiscard]] caf::expected<job_outbox> on_command(schema::JobAction action,
                                                     std::string_view reason, std::uint64_t now_ms);
  [[nodiscard]] job_outbox on_deadline(std::uint64_t now_ms);
  [[nodiscard]] job_outbox on_feedback(float score, std::string_view comment, std::uint64_t now_ms);

 private:
  struct flight {
    std::uint32_t epoch = 0;
    std::uint32_t step = 0;
    schema::Purpose purpose = schema::Purpose::UNKNOWN;
    /// Reserved for it.
    budget allowance;
  };
  /// One plan request under way.
  struct planning {
    planning(std::uint32_t number, const plan::limits& limits, const plan::id_scope& scope,
             std::size_t known_steps)
        : attempt{number}, parser{limits, scope}, known{known_steps} {}

    std::uint32_t attempt;
    plan::plan_parser parser;
    std::uint32_t next_chunk = 0;
    std::size_t fed_bytes = 0;
    bool gap = false;
    /// Steps seen so far in this text.
    std::size_t seen = 0;
    /// Steps of this epoch that were journaled before this request: they must come again as they
    /// are.
    std::size_t known = 0;
    std::optional<std::string> error;
  };

  void add(job_outbox& out, message_builder<schema::JobRecord>& record, std::uint64_t now_ms);
  void finish_if_complete(job_outbox& out, std::uint64_t now_ms);
  void end(job_outbox& out, schema::JobState how, errc code, std::string_view reason,
           std::uint64_t now_ms);
  /// An ended job sends nothing any more, so its state may run ahead of the journal: its last
  /// summary goes into the same write as its end.
  void apply_pending();
  void start_epoch(job_outbox& out, std::string_view reason, std::uint64_t now_ms);
  void cancel_in_flight(job_outbox& out, std::string_view reason);
  [[nodiscard]] tmsg::cancel make_cancel(std::uint32_t attempt, const flight& what,
                                         std::string_view reason) const;
  void on_failure(job_outbox& out, const flight& what, schema::AttemptResult::Reader result,
                  errc code, std::string_view message, std::uint64_t now_ms);
  /// What a decision on a plan led to does not fit.
  void reward_bad_plan(job_outbox& out, const flight& what, std::uint64_t decision, rung next);
  void on_plan(job_outbox& out, const flight& what, schema::AttemptResult::Reader result,
               std::uint64_t now_ms);
  void on_way(job_outbox& out, schema::AttemptResult::Reader result, std::uint64_t now_ms);
  /// The present way has failed: its record, so that another one is chosen.
  void leave_way(job_outbox& out, errc code, std::string_view reason, std::uint64_t now_ms);
  /// An engine whose weights have changed under the call; empty: they have not.
  [[nodiscard]] std::string problem_of_weights(schema::AttemptResult::Reader result) const;
  void on_success(job_outbox& out, const flight& what, schema::AttemptResult::Reader result,
                  std::uint64_t now_ms);
  void feed(job_outbox& out, std::string_view piece, std::uint64_t now_ms);
  [[nodiscard]] rung choose_rung(const flight& what, errc code) const;
  [[nodiscard]] const failure_count& failures_of(const flight& what) const;

  [[nodiscard]] caf::expected<tmsg::attempt> make_way_attempt(std::uint64_t now_ms);
  [[nodiscard]] caf::expected<tmsg::attempt> make_plan_attempt(std::uint64_t now_ms);
  /// Fence, limits and reservation; the last thing done to an attempt.
  [[nodiscard]] caf::expected<tmsg::attempt> begin_attempt(
      message_builder<schema::Attempt>& attempt, flight what, std::uint64_t now_ms);
  [[nodiscard]] caf::expected<tmsg::attempt> make_step_attempt(const job_step& step,
                                                               std::uint64_t now_ms);
  [[nodiscard]] caf::expected<tmsg::attempt> make_answer_attempt(schema::Purpose purpose,
                                                                 std::uint64_t now_ms);
  [[nodiscard]] bool may_send() const;
  /// Whether the answer is one that has to be asked for: composed, or verified.
  [[nodiscard]] bool answer_is_asked_for() const;
  /// Sends the composed or verified answer's attempt when it is due.
  [[nodiscard]] bool answer_due() const;

  // job_budget.cpp
  /// Reserves what an attempt may spend, in the attempt too. `overloaded`: others under way have
  /// to end first; `budget_exceeded`: there is nothing left.
  [[nodiscard]] caf::error reserve(schema::Attempt::Builder attempt, flight& what);
  /// What came of a reservation, whoever waited for the result.
  void settle(const flight& what, schema::Usage::Reader usage);
  [[nodiscard]] budget left() const;
  /// A result that nobody waits for any more may have cost something.
  void on_stale(job_outbox& out, schema::AttemptResult::Reader result, std::uint64_t now_ms);
  [[nodiscard]] std::string plan_check_problem(const plan::step& step) const;
  /// The job's state once all that was handed out is durable.
  [[nodiscard]] schema::JobState wanted_state() const;

  job_settings settings_;
  job_state state_;
  std::uint32_t committed_ = 0;
  std::uint32_t next_attempt_ = 1;
  /// Handed out, not durable; not applied either, unless the job has ended.
  std::deque<job_record> pending_;
  /// Nothing is sent before this record is durable.
  std::uint32_t barrier_ = 0;
  /// The plan or the answer is not asked for again before this record is durable: what failed, and
  /// the steps that were taken from it, belong into the next request.
  std::uint32_t retry_after_ = 0;
  /// Wait for wake(): these steps; the plan or the answer.
  std::vector<std::uint32_t> waiting_steps_;
  bool waiting_request_ = false;
  std::unordered_map<std::uint32_t, flight> in_flight_;
  /// Told to stop; their replies say what they cost.
  std::unordered_map<std::uint32_t, flight> cancelled_;
  budget limit_;
  budget spent_;
  budget reserved_;
  /// One attempt was worth more than was reserved for it: from now on one at a time, with all that
  /// is left.
  bool one_at_a_time_ = false;
  bool has_check_ = false;
  std::map<std::string, std::string> versions_;
  std::optional<planning> planning_;
  /// Facts that are on their way into the journal.
  std::unordered_set<std::uint32_t> pending_done_;
  std::size_t pending_steps_ = 0;
  bool pending_answer_ = false;
  bool plan_complete_ = false;
  bool composed_ = false;
  bool ending_ = false;
};

}  // namespace tandem
