#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "actors/job/plan/plan_graph.hpp"
#include "schema/ids.hpp"
#include "schema/journal.capnp.h"
#include "schema/message.hpp"

namespace tandem {

using job_record = message<schema::JobRecord>;

/// Sums over attempts.
struct usage_totals {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint32_t calls = 0;
  std::int64_t cost_nanousd = 0;
  std::int64_t cost_all_large_nanousd = 0;
  std::uint32_t cache_hits = 0;
  std::int64_t saved_nanousd = 0;

  void add(schema::Usage::Reader usage);
  void write(schema::Usage::Builder usage) const;
};

/// The attempt that a record tells of; nothing for other records.
[[nodiscard]] std::optional<schema::AttemptRecord::Reader> attempt_of(
    schema::JobRecord::Reader record);

/// The weight version of its model that the job uses from this attempt on, in `versions`.
void note_version(std::map<std::string, std::string>& versions,
                  schema::AttemptRecord::Reader record, bool mixes);

/// Failures of one step, or of one epoch's plan request.
struct failure_count {
  std::uint32_t total = 0;
  /// Of these, replies that did not fit.
  std::uint32_t bad_outputs = 0;
  /// Engines that failed it, in order, each once.
  std::vector<std::string> engines;
  /// The same of models.
  std::vector<std::string> models;
  std::string last_error;
  /// The ladder has climbed to another model of the tier.
  bool other_model = false;
  /// The ladder has climbed to the large tier.
  bool large = false;
};

/// One step as its records tell it. Views point into the records that the job_state keeps.
struct job_step {
  std::uint32_t id = 0;
  std::uint32_t epoch = 0;
  std::string_view kind;
  std::string_view prompt;
  std::string_view check;
  std::vector<std::uint32_t> depends_on;
  bool done = false;
  bool abandoned = false;
  std::string_view result;
  std::string_view model;
  std::uint64_t done_at_ms = 0;
  failure_count failures;
};

/// What is true of one job: exactly what its journal records say when they are applied in order. No
/// clock, no decisions.
class job_state {
 public:
  job_state(job_id id, const plan::limits& limits);
  job_state(const job_state&) = delete;
  job_state& operator=(const job_state&) = delete;

  /// `number` must be one above the last. `corrupted` names the record that does not fit; the state
  /// is then undefined.
  [[nodiscard]] caf::error apply(std::uint32_t number, job_record record);

  [[nodiscard]] job_id id() const { return id_; }
  [[nodiscard]] std::uint32_t last_number() const {
    return static_cast<std::uint32_t>(records_.size());
  }
  [[nodiscard]] const std::vector<job_record>& records() const { return records_; }
  /// Precondition: at least one record was applied.
  [[nodiscard]] message_reader<schema::JobRecord> submitted() const { return records_[0].read(); }

  [[nodiscard]] schema::JobState state() const { return state_; }
  [[nodiscard]] bool ended() const {
    return state_ == schema::JobState::DONE || state_ == schema::JobState::FAILED ||
           state_ == schema::JobState::CANCELLED;
  }
  [[nodiscard]] std::string_view reason() const { return reason_; }
  /// AUTO: the way is still to be chosen.
  [[nodiscard]] schema::PlanMode mode() const { return mode_; }
  /// Submitted as AUTO.
  [[nodiscard]] bool is_routed() const { return is_routed_; }
  /// The router's decision on the present way; 0: there is none.
  [[nodiscard]] std::uint64_t way_decision() const { return way_decision_; }
  [[nodiscard]] const std::vector<schema::PlanMode>& ways_failed() const { return ways_failed_; }
  [[nodiscard]] std::uint64_t submitted_at_ms() const { return submitted_at_ms_; }
  [[nodiscard]] std::uint64_t ended_at_ms() const { return ended_at_ms_; }
  /// 0: none.
  [[nodiscard]] std::uint64_t deadline_at_ms() const { return deadline_at_ms_; }
  [[nodiscard]] std::int8_t priority() const { return priority_; }
  [[nodiscard]] std::string_view tenant() const { return tenant_; }
  /// The last user message.
  [[nodiscard]] std::string_view goal() const { return goal_; }

  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] bool plan_complete() const { return plan_complete_; }
  /// 0: composed or direct.
  [[nodiscard]] std::uint32_t answer_step() const { return answer_step_; }
  /// Empty: the answer is a step's result.
  [[nodiscard]] std::string_view compose_prompt() const { return compose_; }
  [[nodiscard]] bool answered_directly() const { return answered_; }
  /// The result of step 0 or of the answer step; empty while there is none.
  [[nodiscard]] std::string_view answer() const;

  [[nodiscard]] const std::map<std::uint32_t, job_step>& steps() const { return steps_; }
  [[nodiscard]] const job_step* find_step(std::uint32_t id) const;
  [[nodiscard]] const plan::plan_graph& graph() const { return graph_; }
  [[nodiscard]] plan::plan_graph& graph() { return graph_; }
  /// The highest step id when this epoch began, and the steps that were finished then.
  [[nodiscard]] std::uint32_t epoch_base() const { return epoch_base_; }
  [[nodiscard]] const std::vector<std::uint32_t>& finished_before() const {
    return finished_before_;
  }
  /// Of this epoch, in the order of the plan.
  [[nodiscard]] const std::vector<std::uint32_t>& epoch_steps() const { return epoch_steps_; }

  /// Of this epoch's plan request, or of the composed or direct answer.
  [[nodiscard]] const failure_count& plan_failures() const { return plan_failures_; }
  [[nodiscard]] const failure_count& answer_failures() const { return answer_failures_; }
  [[nodiscard]] std::uint32_t last_attempt() const { return last_attempt_; }
  [[nodiscard]] const usage_totals& usage() const { return usage_; }
  [[nodiscard]] bool simulated() const { return simulated_; }
  /// It goes on with other weights than it began with, once no engine serves those.
  [[nodiscard]] bool mixes_weights() const { return mixes_weights_; }
  /// Weight versions that attempts of this job have used, by model: the first, or the latest where
  /// it mixes them.
  [[nodiscard]] const std::map<std::string, std::string>& weight_versions() const {
    return versions_;
  }
  /// Of its actor, since it was submitted or retried.
  [[nodiscard]] std::uint32_t crashes() const { return crashes_; }
  /// Mean of the users' scores; -1 when there is none.
  [[nodiscard]] float feedback() const;

 private:
  caf::error on(schema::SubmittedRecord::Reader record, std::uint64_t at_ms);
  caf::error on(schema::StepRecord::Reader record);
  caf::error on(schema::PlanRecord::Reader record);
  caf::error on_failed(schema::AttemptRecord::Reader record);
  caf::error on(schema::DoneRecord::Reader record, std::uint64_t at_ms);
  caf::error on(schema::EpochRecord::Reader record);
  caf::error on(schema::StateRecord::Reader record);
  caf::error on(schema::EndRecord::Reader record, std::uint64_t at_ms);
  caf::error on(schema::WayRecord::Reader record);
  void count(schema::AttemptRecord::Reader record);
  caf::error dispatch(schema::JobRecord::Reader record);

  job_id id_;
  std::vector<job_record> records_;
  schema::JobState state_ = schema::JobState::UNKNOWN;
  std::string_view reason_;
  schema::PlanMode mode_ = schema::PlanMode::UNKNOWN;
  bool is_routed_ = false;
  std::uint64_t way_decision_ = 0;
  std::vector<schema::PlanMode> ways_failed_;
  std::uint64_t submitted_at_ms_ = 0;
  std::uint64_t ended_at_ms_ = 0;
  std::uint64_t deadline_at_ms_ = 0;
  std::int8_t priority_ = 0;
  std::string_view tenant_;
  std::string_view goal_;
  std::uint32_t epoch_ = 1;
  bool plan_complete_ = false;
  std::uint32_t answer_step_ = 0;
  std::string_view compose_;
  bool answered_ = false;
  std::string_view direct_answer_;
  std::map<std::uint32_t, job_step> steps_;
  plan::plan_graph graph_;
  std::uint32_t epoch_base_ = 0;
  std::vector<std::uint32_t> finished_before_;
  std::vector<std::uint32_t> epoch_steps_;
  failure_count plan_failures_;
  failure_count answer_failures_;
  std::uint32_t last_attempt_ = 0;
  std::uint32_t crashes_ = 0;
  usage_totals usage_;
  bool simulated_ = false;
  bool mixes_weights_ = false;
  std::map<std::string, std::string> versions_;
  double feedback_sum_ = 0;
  std::uint32_t feedback_count_ = 0;
};

}  // namespace tandem
