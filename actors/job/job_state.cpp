#include "actors/job/job_state.hpp"

#include <algorithm>

#include "actors/job/ladder.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

void add_once(std::vector<std::string>& names, std::string_view name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.emplace_back(name);
}

void count_failure(failure_count& failures, schema::AttemptRecord::Reader record) {
  ++failures.total;
  if (record.getError().getCode() == schema::Errc::INVALID_OUTPUT) ++failures.bad_outputs;
  // What broke off says nothing about the plan: the next planner is told what was wrong with the
  // last plan, or nothing new.
  if (record.getPurpose() != schema::Purpose::PLAN ||
      record.getError().getCode() == schema::Errc::INVALID_OUTPUT)
    failures.last_error = view(record.getError().getMessage());
  failures.large = failures.large || view(record.getRung()) == to_string(rung::large);
  failures.other_model =
      failures.other_model || view(record.getRung()) == to_string(rung::other_model);
  add_once(failures.engines, view(record.getEngine()));
  add_once(failures.models, view(record.getModel()));
}

}  // namespace

void usage_totals::add(schema::Usage::Reader usage) {
  prompt_tokens += usage.getPromptTokens();
  cached_prompt_tokens += usage.getCachedPromptTokens();
  completion_tokens += usage.getCompletionTokens();
  calls += usage.getCalls();
  // Wraps around like the unsigned sums: a journal's bytes must not be able to cause an overflow.
  auto sum = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  };
  cost_nanousd = sum(cost_nanousd, usage.getCostNanousd());
  cost_all_large_nanousd = sum(cost_all_large_nanousd, usage.getCostAllLargeNanousd());
  cache_hits += usage.getCacheHits();
  saved_nanousd = sum(saved_nanousd, usage.getSavedNanousd());
}

void usage_totals::write(schema::Usage::Builder usage) const {
  usage.setPromptTokens(prompt_tokens);
  usage.setCachedPromptTokens(cached_prompt_tokens);
  usage.setCompletionTokens(completion_tokens);
  usage.setCalls(calls);
  usage.setCostNanousd(cost_nanousd);
  usage.setCostAllLargeNanousd(cost_all_large_nanousd);
  usage.setCacheHits(cache_hits);
  usage.setSavedNanousd(saved_nanousd);
}

std::optional<schema::AttemptRecord::Reader> attempt_of(schema::JobRecord::Reader record) {
  if (record.isStepDone()) return record.getStepDone().getAttempt();
  if (record.isPlanComplete()) return record.getPlanComplete().getAttempt();
  if (record.isAttemptFailed()) return record.getAttemptFailed();
  return std::nullopt;
}

void note_version(std::map<std::string, std::string>& versions,
                  schema::AttemptRecord::Reader record, bool mixes) {
  if (record.getModel().size() == 0 || record.getWeightVersion().size() == 0) return;
  // The job has got nothing of it.
  if (record.getError().getCode() == schema::Errc::CANCELLED) return;
  auto [known, is_new] =
      versions.try_emplace(std::string{view(record.getModel())}, view(record.getWeightVersion()));
  if (!is_new && mixes) known->second = view(record.getWeightVersion());
}

job_state::job_state(job_id id, const plan::limits& limits) : id_{id}, graph_{limits} {}

caf::error job_state::apply(std::uint32_t number, job_record record) {
  auto fail = [&](const std::string& why) {
    return make_error(errc::corrupted, "record " + std::to_string(number) + " of job " +
                                           to_string(id_) + ": " + why);
  };
  if (number != last_number() + 1)
    return fail("expected record " + std::to_string(last_number() + 1));
  if (record.empty()) return fail("empty record");
  // Views into the record stay good: moving it moves a pointer to the same words.
  records_.push_back(std::move(record));
  auto reader = records_.back().read();
  if (number == 1 && !reader->isSubmitted()) return fail("the first record is no submission");
  if (auto err = dispatch(*reader)) return fail(message_of(err));
  return caf::none;
}

caf::error job_state::dispatch(schema::JobRecord::Reader record) {
  using which = schema::JobRecord::Which;
  switch (record.which()) {
    case which::SUBMITTED:
      return on(record.getSubmitted(), record.getAtMs());
    case which::STEPS_PLANNED:
      for (auto step : record.getStepsPlanned())
        if (auto err = on(step)) return err;
      return caf::none;
    case which::PLAN_COMPLETE:
      return on(record.getPlanComplete());
    case which::ATTEMPT_FAILED:
      return on_failed(record.getAttemptFailed());
    case which::STEP_DONE:
      return on(record.getStepDone(), record.getAtMs());
    case which::EPOCH_STARTED:
      return on(record.getEpochStarted());
    case which::STATE_CHANGED:
      return on(record.getStateChanged());
    case which::ENDED:
      return on(record.getEnded(), record.getAtMs());
    case which::FEEDBACK:
      feedback_sum_ += record.getFeedback().getScore();
      ++feedback_count_;
      return caf::none;
    case which::WAY:
      return on(record.getWay());
  }
  return make_error(errc::corrupted, "a kind of record that this version does not know");
}

caf::error job_state::on(schema::SubmittedRecord::Reader record, std::uint64_t at_ms) {
  if (records_.size() != 1) return make_error(errc::corrupted, "submitted twice");
  state_ = schema::JobState::RUNNING;
  mode_ = record.getMode();
  is_routed_ = mode_ == schema::PlanMode::AUTO;
  submitted_at_ms_ = at_ms;
  deadline_at_ms_ = record.getDeadlineAtMs();
  priority_ = record.getPriority();
  tenant_ = view(record.getTenant());
  mixes_weights_ = record.getWeights() == schema::WeightPolicy::MIX;
  for (auto message : record.getMessages())
    if (message.getRole() == schema::Role::USER) goal_ = view(message.getContent());
  return caf::none;
}

caf::error job_state::on(schema::StepRecord::Reader record) {
  job_step step;
  step.id = record.getStep();
  step.epoch = record.getEpoch();
  step.kind = view(record.getKind());
  step.prompt = view(record.getPrompt());
  step.check = view(record.getCheck());
  for (auto id : record.getDependsOn()) step.depends_on.push_back(id);
  if (step.epoch != epoch_) return make_error(errc::corrupted, "a step of another epoch");
  if (auto err = graph_.add_step(step.id, step.depends_on))
    return make_error(errc::corrupted, err->message);
  epoch_steps_.push_back(step.id);
  steps_.emplace(step.id, std::move(step));
  return caf::none;
}

caf::error job_state::on(schema::PlanRecord::Reader record) {
  plan_complete_ = true;
  answer_step_ = record.getAnswerStep();
  compose_ = view(record.getCompose());
  if (answer_step_ != 0 && find_step(answer_step_) == nullptr)
    return make_error(errc::corrupted, "the answer's step does not exist");
  count(record.getAttempt());
  return caf::none;
}

caf::error job_state::on_failed(schema::AttemptRecord::Reader record) {
  count(record);
  // Nobody waited for it any more: only what it cost is of interest.
  if (record.getError().getCode() == schema::Errc::CANCELLED) return caf::none;
  if (record.getPurpose() == schema::Purpose::PLAN) {
    count_failure(plan_failures_, record);
  } else if (record.getStep() == 0) {
    count_failure(answer_failures_, record);
  } else if (auto found = steps_.find(record.getStep()); found != steps_.end()) {
    count_failure(found->second.failures, record);
  } else {
    return make_error(errc::corrupted, "an attempt of a step that does not exist");
  }
  return caf::none;
}

caf::error job_state::on(schema::DoneRecord::Reader record, std::uint64_t at_ms) {
  auto attempt = record.getAttempt();
  count(attempt);
  if (attempt.getStep() == 0) {
    if (answered_) return make_error(errc::corrupted, "answered twice");
    answered_ = true;
    direct_answer_ = view(record.getResult());
    return caf::none;
  }
  auto found = steps_.find(attempt.getStep());
  if (found == steps_.end())
    return make_error(errc::corrupted, "a result of a step that does not exist");
  auto& step = found->second;
  if (!graph_.mark_done(step.id)) return make_error(errc::corrupted, "a second result of a step");
  step.done = true;
  step.result = view(record.getResult());
  step.model = view(attempt.getModel());
  step.done_at_ms = at_ms;
  return caf::none;
}

caf::error job_state::on(schema::EpochRecord::Reader record) {
  epoch_ = record.getEpoch();
  static_cast<void>(graph_.abandon_unfinished());
  for (auto& [id, step] : steps_)
    if (!step.done) step.abandoned = true;
  plan_complete_ = false;
  answer_step_ = 0;
  compose_ = {};
  epoch_base_ = graph_.last_id();
  finished_before_ = graph_.finished();
  epoch_steps_.clear();
  // Its reason is what the next planner is told.
  plan_failures_ = {};
  plan_failures_.last_error = view(record.getReason());
  answer_failures_ = {};
  return caf::none;
}

caf::error job_state::on(schema::StateRecord::Reader record) {
  if (ended() && record.getState() == schema::JobState::RUNNING) {
    // Retried by somebody: what failed may fail as often again.
    plan_failures_ = {};
    answer_failures_ = {};
    for (auto& [id, step] : steps_) step.failures = {};
    ended_at_ms_ = 0;
    deadline_at_ms_ = record.getDeadlineAtMs();
    crashes_ = 0;
  }
  if (record.getCrashes() != 0) crashes_ = record.getCrashes();
  state_ = record.getState();
  reason_ = view(record.getReason());
  return caf::none;
}

caf::error job_state::on(schema::EndRecord::Reader record, std::uint64_t at_ms) {
  state_ = record.getState();
  reason_ = view(record.getReason());
  ended_at_ms_ = at_ms;
  return caf::none;
}

caf::error job_state::on(schema::WayRecord::Reader record) {
  if (!is_routed_) return make_error(errc::corrupted, "a way of a job that has one already");
  last_attempt_ = std::max(last_attempt_, record.getAttempt());
  mode_ = record.getMode();
  way_decision_ = record.getDecision();
  if (mode_ == schema::PlanMode::UNKNOWN)
    return make_error(errc::corrupted, "a way that this version does not know");
  if (mode_ != schema::PlanMode::AUTO) return caf::none;
  ways_failed_.push_back(record.getFailed());
  static_cast<void>(graph_.abandon_unfinished());
  for (auto& [id, step] : steps_)
    if (!step.done) step.abandoned = true;
  plan_complete_ = false;
  answer_step_ = 0;
  compose_ = {};
  // What failed on one way says nothing about the next.
  plan_failures_ = {};
  answer_failures_ = {};
  return caf::none;
}

void job_state::count(schema::AttemptRecord::Reader record) {
  last_attempt_ = std::max(last_attempt_, record.getAttempt());
  usage_.add(record.getUsage());
  simulated_ = simulated_ || record.getSimulated();
  note_version(versions_, record, mixes_weights_);
}

std::string_view job_state::answer() const {
  if (answered_) return direct_answer_;
  if (const auto* step = find_step(answer_step_); step != nullptr && step->done)
    return step->result;
  return {};
}

const job_step* job_state::find_step(std::uint32_t id) const {
  auto found = steps_.find(id);
  return found == steps_.end() ? nullptr : &found->second;
}

float job_state::feedback() const {
  return feedback_count_ == 0 ? -1.0f : static_cast<float>(feedback_sum_ / feedback_count_);
}

}  // namespace tandem
