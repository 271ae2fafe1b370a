#include "nodes/cli/job_picture.hpp"

#include <algorithm>

#include "nodes/cli/names.hpp"
#include "schema/text.hpp"

namespace tandem::cli {

std::string describe(schema::Error::Reader error) {
  std::string text{name_of(error.getCode())};
  auto message = view(error.getMessage());
  return message.empty() ? text : text + ": " + std::string{message};
}

void job_picture::apply(schema::JobEvent::Reader event) {
  switch (event.which()) {
    case schema::JobEvent::STATE:
      return apply(event.getState());
    case schema::JobEvent::STEPS:
      for (auto step : event.getSteps()) apply(step);
      return;
    case schema::JobEvent::ATTEMPT_FAILED:
      return note_failure(event.getAttemptFailed());
    case schema::JobEvent::EPOCH:
      epoch_ = event.getEpoch().getEpoch();
      plan_complete_ = false;
      answer_step_ = 0;
      for (auto& [id, step] : steps_) {
        if (step.epoch < epoch_ && step.state != schema::StepState::DONE) {
          step.state = schema::StepState::ABANDONED;
        }
      }
      return;
    case schema::JobEvent::PLAN_COMPLETE:
      plan_complete_ = true;
      epoch_ = std::max(epoch_, event.getPlanComplete().getEpoch());
      answer_step_ = event.getPlanComplete().getAnswerStep();
      return;
    case schema::JobEvent::WAY:
      // What is left of a way that was given up is not done any more.
      if (event.getWay().getMode() != schema::PlanMode::AUTO) return;
      plan_complete_ = false;
      answer_step_ = 0;
      for (auto& [id, step] : steps_)
        if (step.state != schema::StepState::DONE) step.state = schema::StepState::ABANDONED;
      return;
  }
}

void job_picture::apply(schema::JobView::Reader view) {
  apply(view.getSummary());
  for (auto step : view.getSteps()) apply(step);
  for (auto attempt : view.getAttempts()) {
    if (attempt.getError().getCode() != schema::Errc::UNKNOWN) note_failure(attempt);
  }
  plan_complete_ = view.getPlanComplete();
  answer_step_ = view.getAnswerStep();
}

void job_picture::apply(schema::JobSummary::Reader summary) {
  state_ = summary.getState();
  epoch_ = std::max(epoch_, summary.getEpoch());
  submitted_at_ms_ = summary.getSubmittedAtMs();
  ended_at_ms_ = has_ended(state_) ? summary.getEndedAtMs() : 0;
  goal_ = view(summary.getGoal());
  reason_ = view(summary.getReason());
}

void job_picture::apply(schema::StepView::Reader from) {
  if (steps_.size() >= steps_max && !steps_.contains(from.getStep())) return;
  auto& step = steps_[from.getStep()];
  step.epoch = from.getEpoch();
  epoch_ = std::max(epoch_, step.epoch);
  step.kind = view(from.getKind());
  step.prompt = view(from.getPrompt());
  step.state = from.getState();
  step.result = view(from.getResult());
  step.model = view(from.getModel());
  step.done_at_ms = from.getDoneAtMs();
  step.depends_on.clear();
  step.level = 0;
  for (auto needed : from.getDependsOn()) {
    step.depends_on.push_back(needed);
    // Steps need earlier ones only, so that their levels are known by now.
    auto before = steps_.find(needed);
    if (before != steps_.end() && needed < from.getStep()) {
      step.level = std::max(step.level, before->second.level + 1);
    }
  }
}

void job_picture::note_failure(schema::AttemptView::Reader attempt) {
  ++failures_;
  last_failure_ = describe(attempt.getError());
  auto step = steps_.find(attempt.getStep());
  if (step == steps_.end()) return;
  ++step->second.failures;
  step->second.last_failure = last_failure_;
}

schema::StepState job_picture::state_of(std::uint32_t id) const {
  const auto& step = steps_.at(id);
  if (step.state != schema::StepState::WAITING || state_ != schema::JobState::RUNNING) {
    return step.state;
  }
  auto is_ready =
      std::all_of(step.depends_on.begin(), step.depends_on.end(), [this](std::uint32_t needed) {
        auto found = steps_.find(needed);
        return found != steps_.end() && found->second.state == schema::StepState::DONE;
      });
  return is_ready ? schema::StepState::RUNNING : schema::StepState::WAITING;
}

std::size_t job_picture::done_count() const {
  return static_cast<std::size_t>(std::count_if(
      steps_.begin(), steps_.end(),
      [](const auto& entry) { return entry.second.state == schema::StepState::DONE; }));
}

std::size_t job_picture::step_count() const {
  return static_cast<std::size_t>(std::count_if(
      steps_.begin(), steps_.end(),
      [](const auto& entry) { return entry.second.state != schema::StepState::ABANDONED; }));
}

}  // namespace tandem::cli
