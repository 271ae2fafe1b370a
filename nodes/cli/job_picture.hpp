#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schema/job.capnp.h"
#include "schema/types.hpp"

namespace tandem::cli {

struct picture_step {
  std::uint32_t epoch = 0;
  std::string kind;
  std::string prompt;
  std::vector<std::uint32_t> depends_on;
  schema::StepState state = schema::StepState::WAITING;
  std::string result;
  std::string model;
  std::uint64_t done_at_ms = 0;
  /// Failed tries, and the last one's reason.
  std::uint32_t failures = 0;
  std::string last_failure;
  /// Steps on the longest way from a step that needs nothing.
  std::uint32_t level = 0;
};

/// What is known of a job: put together from its events as they come, or from one view. Texts are
/// as the node sent them. Steps beyond `steps_max` are left out.
class job_picture {
 public:
  static constexpr std::size_t steps_max = 16384;

  void apply(schema::JobEvent::Reader event);
  void apply(schema::JobView::Reader view);

  [[nodiscard]] const std::map<std::uint32_t, picture_step>& steps() const { return steps_; }
  /// As far as one can tell from here: nothing that the step needs is missing, and the job runs.
  [[nodiscard]] schema::StepState state_of(std::uint32_t step) const;
  [[nodiscard]] std::size_t done_count() const;
  /// Without those that were given up.
  [[nodiscard]] std::size_t step_count() const;

  [[nodiscard]] schema::JobState state() const { return state_; }
  [[nodiscard]] bool plan_complete() const { return plan_complete_; }
  /// 0: composed, or not known yet.
  [[nodiscard]] std::uint32_t answer_step() const { return answer_step_; }
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t submitted_at_ms() const { return submitted_at_ms_; }
  [[nodiscard]] std::uint64_t ended_at_ms() const { return ended_at_ms_; }
  [[nodiscard]] const std::string& goal() const { return goal_; }
  /// Of the job, as last told.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// Failed calls to models, and the last one's reason.
  [[nodiscard]] std::uint32_t failures() const { return failures_; }
  [[nodiscard]] const std::string& last_failure() const { return last_failure_; }

 private:
  void apply(schema::JobSummary::Reader summary);
  void apply(schema::StepView::Reader step);
  void note_failure(schema::AttemptView::Reader attempt);

  std::map<std::uint32_t, picture_step> steps_;
  schema::JobState state_ = schema::JobState::UNKNOWN;
  bool plan_complete_ = false;
  std::uint32_t answer_step_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint64_t submitted_at_ms_ = 0;
  std::uint64_t ended_at_ms_ = 0;
  std::string goal_;
  std::string reason_;
  std::uint32_t failures_ = 0;
  std::string last_failure_;
};

/// `engine_failed: the engine broke off`
[[nodiscard]] std::string describe(schema::Error::Reader error);

}  // namespace tandem::cli
