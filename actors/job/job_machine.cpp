#include "actors/job/job_machine.hpp"

#include <algorithm>
#include <cassert>

#include "actors/job/job_records.hpp"
#include "actors/job/job_rewards.hpp"
#include "schema/text.hpp"

namespace tandem {

plan::limits plan_limits(const planner_config& config) {
  plan::limits limits;
  limits.steps_max = config.steps_max;
  limits.job_steps_max = std::size_t{config.steps_max} * config.epochs_max;
  limits.step_bytes_max = config.step_bytes_max;
  limits.compose_bytes_max = config.step_bytes_max;
  limits.plan_bytes_max = config.plan_bytes_max;
  return limits;
}

job_machine::job_machine(job_id id, const job_settings& settings)
    : settings_{settings}, state_{id, plan_limits(settings.limits)} {}

const kind_config* job_settings::find_kind(std::string_view kind) const {
  for (const auto& each : limits.kinds)
    if (each.name == kind) return &each;
  return nullptr;
}

std::string job_settings::problem_of_check(std::string_view kind, std::string_view argument) const {
  if (check_problem == nullptr || kind.empty()) return {};
  if (auto problem = check_problem(kind, argument); !problem.empty()) return problem;
  if (kind != "command") return {};
  if (std::find(check_commands.begin(), check_commands.end(), argument) != check_commands.end())
    return {};
  return "there is no [[check]] '" + std::string{cut(argument, 64)} + "' on this node";
}

caf::error job_machine::replay(job_record record) {
  if (auto err = state_.apply(state_.last_number() + 1, std::move(record))) return err;
  if (state_.last_number() == 1) {
    auto submitted = state_.submitted();
    limit_ = read_budget(submitted->getSubmitted().getBudget());
    has_check_ = submitted->getSubmitted().getCheck().getKind().size() != 0;
  }
  spent_ = {state_.usage().prompt_tokens + state_.usage().completion_tokens,
            state_.usage().cost_nanousd};
  versions_ = state_.weight_versions();
  committed_ = state_.last_number();
  next_attempt_ = state_.last_attempt() + 1;
  plan_complete_ = state_.plan_complete();
  composed_ = !state_.compose_prompt().empty();
  ending_ = state_.ended();
  return caf::none;
}

caf::error job_machine::committed(std::size_t count) {
  committed_ += static_cast<std::uint32_t>(count);
  while (state_.last_number() < committed_) {
    auto record = std::move(pending_.front());
    pending_.pop_front();
    auto reader = record.read();
    // What nobody waited for is not what the step waits for now.
    auto failed_step =
        reader->isAttemptFailed() &&
                reader->getAttemptFailed().getError().getCode() != schema::Errc::CANCELLED
            ? reader->getAttemptFailed().getStep()
            : 0;
    if (reader->isStepDone()) {
      pending_done_.erase(reader->getStepDone().getAttempt().getStep());
      if (reader->getStepDone().getAttempt().getStep() == 0) pending_answer_ = false;
    }
    if (reader->isStepsPlanned()) pending_steps_ -= reader->getStepsPlanned().size();
    if (auto err = state_.apply(state_.last_number() + 1, std::move(record))) return err;
    if (failed_step != 0) state_.graph().requeue(failed_step);
  }
  return caf::none;
}

void job_machine::add(job_outbox& out, message_builder<schema::JobRecord>& record,
                      std::uint64_t now_ms) {
  record->setAtMs(now_ms);
  auto message = record.finish();
  if (auto attempt = attempt_of(*message.read()))
    note_version(versions_, *attempt, state_.mixes_weights());
  pending_.push_back(message);
  out.records.push_back(std::move(message));
}

bool job_machine::may_send() const {
  return !ending_ && state_.state() == schema::JobState::RUNNING && committed_ >= barrier_;
}

std::vector<tmsg::attempt> job_machine::next_attempts(std::uint64_t now_ms, job_outbox& out) {
  std::vector<tmsg::attempt> attempts;
  if (!may_send()) return attempts;
  finish_if_complete(out, now_ms);
  if (ending_) return attempts;
  // False: what is left of the budget is reserved by others, which have to end first.
  auto send = [&](caf::expected<tmsg::attempt> attempt) {
    if (attempt) {
      attempts.push_back(std::move(*attempt));
    } else if (code_of(attempt.error()) == errc::overloaded) {
      return false;
    } else {
      end(out, schema::JobState::FAILED, code_of(attempt.error()), message_of(attempt.error()),
          now_ms);
    }
    return true;
  };
  if (state_.mode() == schema::PlanMode::AUTO) {
    if (answer_due()) send(make_way_attempt(now_ms));
    return attempts;
  }
  if (state_.mode() != schema::PlanMode::PLAN_ACT) {
    if (answer_due()) send(make_answer_attempt(schema::Purpose::ANSWER, now_ms));
    return attempts;
  }
  if (!plan_complete_ && !planning_ && !waiting_request_ && committed_ >= retry_after_)
    send(make_plan_attempt(now_ms));
  auto room = settings_.limits.steps_in_flight_max;
  auto busy = in_flight_.size() - (planning_ ? 1 : 0);
  if (busy < room && !ending_) {
    auto ready = state_.graph().take_ready(room - busy);
    auto next = ready.begin();
    while (next != ready.end() && send(make_step_attempt(*state_.find_step(*next), now_ms))) {
      if (ending_) return {};
      ++next;
    }
    for (; next != ready.end(); ++next) state_.graph().requeue(*next);
  }
  if (state_.plan_complete() && answer_is_asked_for() && state_.graph().all_done() && answer_due())
    send(make_answer_attempt(composed_ ? schema::Purpose::COMPOSE : schema::Purpose::VERIFY,
                             now_ms));
  return attempts;
}

void job_machine::wake() {
  waiting_request_ = false;
  for (auto step : std::exchange(waiting_steps_, {})) state_.graph().requeue(step);
}

bool job_machine::answer_is_asked_for() const {
  return composed_ || has_check_ || state_.mode() != schema::PlanMode::PLAN_ACT;
}

bool job_machine::answer_due() const {
  return in_flight_.empty() && !state_.answered_directly() && !pending_answer_ &&
         !waiting_request_ && committed_ >= retry_after_;
}

job_outbox job_machine::on_chunk(const tmsg::chunk& chunk, std::uint64_t now_ms) {
  job_outbox out;
  auto reader = chunk.read();
  if (!planning_ || reader->getFence().getAttempt() != planning_->attempt || ending_) return out;
  if (reader->getNumber() != planning_->next_chunk) planning_->gap = true;
  // What was missed comes with the whole text at the end.
  if (planning_->gap) return out;
  ++planning_->next_chunk;
  auto bytes = reader->getText().asChars();
  auto sound = !planning_->error;
  feed(out, {bytes.begin(), bytes.size()}, now_ms);
  // The rest of a broken plan is not worth waiting for; the engine's reply brings what it cost.
  if (sound && planning_->error)
    out.cancels.push_back(make_cancel(planning_->attempt, in_flight_.at(planning_->attempt),
                                      "the plan is not usable"));
  return out;
}

void job_machine::feed(job_outbox& out, std::string_view piece, std::uint64_t now_ms) {
  auto& planning = *planning_;
  planning.fed_bytes += piece.size();
  if (planning.error) return;
  std::vector<plan::step> steps;
  const auto* error = planning.parser.feed(piece, steps);
  std::vector<const plan::step*> fresh;
  for (const auto& step : steps) {
    auto place = planning.seen++;
    if (place >= planning.known) {
      if (auto problem = plan_check_problem(step); !problem.empty()) {
        planning.error = "step " + std::to_string(step.id) + ": " + problem;
        break;
      }
      fresh.push_back(&step);
      continue;
    }
    const auto& before = *state_.find_step(state_.epoch_steps()[place]);
    if (before.id == step.id && before.kind == step.kind && before.prompt == step.prompt &&
        before.depends_on == step.depends_on && before.check == step.check_json)
      continue;
    planning.error = "asked again for its plan, the model wrote another step " +
                     std::to_string(step.id) + " than the one that is journaled";
    return;
  }
  if (!fresh.empty()) {
    message_builder<schema::JobRecord> record;
    auto list = record->initStepsPlanned(static_cast<unsigned>(fresh.size()));
    for (unsigned i = 0; i < list.size(); ++i) write_step(list[i], *fresh[i], state_.epoch());
    pending_steps_ += fresh.size();
    add(out, record, now_ms);
  }
  if (error != nullptr && !planning.error) planning.error = error->message;
}

job_outbox job_machine::on_no_answer(schema::Fence::Reader fence, errc code,
                                     std::string_view message, std::uint64_t now_ms) {
  message_builder<schema::AttemptResult> result;
  result->setFence(fence);
  write_error(result->initError(), code, message);
  return on_result(result.finish(), now_ms);
}

job_outbox job_machine::on_result(const tmsg::attres& message, std::uint64_t now_ms) {
  job_outbox out;
  auto result = message.read();
  auto fence = result->getFence();
  auto found = in_flight_.find(fence.getAttempt());
  if (found == in_flight_.end() || found->second.epoch != fence.getEpoch() ||
      found->second.step != fence.getStep()) {
    on_stale(out, *result, now_ms);
    return out;
  }
  auto what = found->second;
  in_flight_.erase(found);
  settle(what, result->getUsage());
  if (ending_) return out;
  auto code = static_cast<errc>(result->getError().getCode());
  auto bad_plan = what.purpose == schema::Purpose::PLAN && planning_->error;
  if (what.purpose == schema::Purpose::WAY && !is_back_pressure(code)) {
    on_way(out, *result, now_ms);
  } else if (code != errc::unknown && !bad_plan) {
    on_failure(out, what, *result, code, view(result->getError().getMessage()), now_ms);
  } else if (auto wrong = problem_of_weights(*result); !wrong.empty()) {
    on_failure(out, what, *result, errc::engine_failed, wrong, now_ms);
  } else if (what.purpose == schema::Purpose::PLAN) {
    on_plan(out, what, *result, now_ms);
  } else if (result->getFinish() == schema::Finish::LENGTH) {
    on_failure(out, what, *result, errc::invalid_output,
               "the reply was cut at its token limit; raise jobs.step_tokens_max", now_ms);
  } else if (result->getText().size() > settings_.limits.result_bytes_max) {
    on_failure(out, what, *result, errc::invalid_output,
               "the reply is longer than jobs.result_bytes_max", now_ms);
  } else {
    on_success(out, what, *result, now_ms);
  }
  return out;
}

void job_machine::on_success(job_outbox& out, const flight& what,
                             schema::AttemptResult::Reader result, std::uint64_t now_ms) {
  message_builder<schema::JobRecord> record;
  auto done = record->initStepDone();
  write_attempt(done.initAttempt(), result, what.purpose, errc::unknown, {}, {});
  // Engines promise UTF-8; a record without it could never be read back.
  auto text = view(result.getText());
  if (is_valid_utf8(text))
    done.setResult(result.getText());
  else
    done.setResult(valid_utf8(text));
  if (what.step == 0)
    pending_answer_ = true;
  else
    pending_done_.insert(what.step);
  add(out, record, now_ms);
  finish_if_complete(out, now_ms);
}

void job_machine::on_plan(job_outbox& out, const flight& what, schema::AttemptResult::Reader result,
                          std::uint64_t now_ms) {
  auto text = view(result.getText());
  if (planning_->fed_bytes < text.size()) feed(out, text.substr(planning_->fed_bytes), now_ms);
  auto& planning = *planning_;
  if (!planning.error && planning.seen < planning.known)
    planning.error = "asked again for its plan, the model left out steps that are journaled";
  std::optional<plan::answer> answer;
  if (!planning.error) {
    auto finished = planning.parser.finish();
    if (auto* good = std::get_if<plan::answer>(&finished))
      answer = std::move(*good);
    else
      planning.error = std::get<plan::plan_error>(finished).message;
  }
  if (!answer) {
    auto why = "the plan is not usable: " + *planning.error;
    if (result.getFinish() == schema::Finish::LENGTH) why += " (cut at jobs.plan_tokens_max)";
    on_failure(out, what, result, errc::invalid_output, why, now_ms);
    return;
  }
  planning_.reset();
  message_builder<schema::JobRecord> record;
  auto plan = record->initPlanComplete();
  plan.setEpoch(what.epoch);
  plan.setAnswerStep(answer->step_id.value_or(0));
  if (!answer->step_id) plan.setCompose(answer->compose);
  write_attempt(plan.initAttempt(), result, what.purpose, errc::unknown, {}, {});
  plan_complete_ = true;
  composed_ = !answer->step_id;
  add(out, record, now_ms);
  finish_if_complete(out, now_ms);
}

const failure_count& job_machine::failures_of(const flight& what) const {
  if (what.purpose == schema::Purpose::PLAN) return state_.plan_failures();
  if (what.step == 0) return state_.answer_failures();
  return state_.find_step(what.step)->failures;
}

rung job_machine::choose_rung(const flight& what, errc code) const {
  // The next try has newer pins, or none.
  if (code == errc::weights_changed) return state_.mixes_weights() ? rung::wait : rung::fail;
  climb c{.error = code, .failures = failures_of(what).total + 1, .epoch = state_.epoch()};
  if (what.purpose == schema::Purpose::PLAN) {
    c.plan_begun = !state_.epoch_steps().empty() || pending_steps_ != 0;
    return climb_plan(c, settings_.limits);
  }
  if (what.purpose == schema::Purpose::WAY) return rung::wait;
  if (what.purpose == schema::Purpose::VERIFY) return climb_verification(c, settings_.limits);
  if (what.step == 0)
    return climb_answer(c, what.purpose == schema::Purpose::COMPOSE, settings_.limits);
  c.other_models = settings_.other_small_models;
  return climb_step(c, settings_.limits, settings_.find_kind(state_.find_step(what.step)->kind));
}

void job_machine::on_failure(job_outbox& out, const flight& what,
                             schema::AttemptResult::Reader result, errc code,
                             std::string_view message, std::uint64_t now_ms) {
  if (what.purpose == schema::Purpose::PLAN) planning_.reset();
  auto next = choose_rung(what, code);
  // The same words would bring the same answer: another way is worth more than another try.
  auto hopeless = next == rung::fail ||
                  (what.purpose == schema::Purpose::ANSWER && code == errc::invalid_output);
  if (hopeless && state_.is_routed() && code != errc::budget_exceeded &&
      code != errc::weights_changed && state_.ways_failed().size() < ways_max - 1)
    next = rung::other_way;
  // The reservation was too small: the same again, alone, with all that is left.
  auto reserve_more = code == errc::budget_exceeded && !one_at_a_time_ && what.allowance.limited();
  if (next == rung::wait || reserve_more) {
    // An answer whose judge was busy, say: no failure, but it is paid for.
    if (auto usage = result.getUsage();
        usage.getPromptTokens() + usage.getCompletionTokens() != 0 || usage.getCostNanousd() != 0) {
      message_builder<schema::JobRecord> record;
      write_attempt(record->initAttemptFailed(), result, what.purpose, errc::cancelled, message,
                    to_string(rung::wait));
      add(out, record, now_ms);
    }
    if (what.step == 0) retry_after_ = next_number() - 1;
    if (reserve_more) {
      one_at_a_time_ = true;
      if (what.step != 0) state_.graph().requeue(what.step);
      return;
    }
    if (what.step != 0)
      waiting_steps_.push_back(what.step);
    else
      waiting_request_ = true;
    out.wait = true;
    out.wait_ms_min = result.getRetryAfterMs();
    return;
  }
  message_builder<schema::JobRecord> record;
  write_attempt(record->initAttemptFailed(), result, what.purpose, code, message, to_string(next));
  add(out, record, now_ms);
  if (what.step == 0) retry_after_ = next_number() - 1;
  auto subject = what.purpose == schema::Purpose::PLAN ? std::string{"the plan request"}
                 : what.purpose == schema::Purpose::VERIFY
                     ? std::string{"the verification of the answer"}
                 : what.step == 0 ? std::string{"the answer"}
                                  : "step " + std::to_string(what.step);
  auto reason = subject + " failed: " + std::string{message};
  if (code == errc::invalid_output) reward_bad_plan(out, what, result.getDecision(), next);
  if (next == rung::new_epoch) start_epoch(out, reason, now_ms);
  if (next == rung::other_way) leave_way(out, code, reason, now_ms);
  if (next == rung::fail) end(out, schema::JobState::FAILED, code, reason, now_ms);
}

void job_machine::on_way(job_outbox& out, schema::AttemptResult::Reader result,
                         std::uint64_t now_ms) {
  message_builder<schema::JobRecord> record;
  auto way = record->initWay();
  auto chosen = way_named(view(result.getText()));
  // Without the router's word a job goes the way it would without a router.
  for (auto other :
       {schema::PlanMode::PLAN_ACT, schema::PlanMode::LARGE, schema::PlanMode::SMALL}) {
    const auto& failed = state_.ways_failed();
    if (chosen == schema::PlanMode::UNKNOWN &&
        std::find(failed.begin(), failed.end(), other) == failed.end())
      chosen = other;
  }
  way.setMode(chosen);
  way.setAttempt(result.getFence().getAttempt());
  way.setDecision(result.getDecision());
  way.setPolicy(result.getModel());
  if (result.getError().getCode() != schema::Errc::UNKNOWN)
    way.setReason(bounded_reason(view(result.getError().getMessage())));
  add(out, record, now_ms);
  barrier_ = next_number() - 1;
}

void job_machine::leave_way(job_outbox& out, errc code, std::string_view reason,
                            std::uint64_t now_ms) {
  cancel_in_flight(out, "the job goes another way");
  add_reward_of_way(state_, code, out.rewards);
  message_builder<schema::JobRecord> record;
  auto way = record->initWay();
  way.setMode(schema::PlanMode::AUTO);
  way.setFailed(state_.mode());
  way.setReason(bounded_reason(reason));
  plan_complete_ = false;
  composed_ = false;
  add(out, record, now_ms);
  barrier_ = next_number() - 1;
}

void job_machine::start_epoch(job_outbox& out, std::string_view reason, std::uint64_t now_ms) {
  cancel_in_flight(out, "a new plan replaces this one");
  message_builder<schema::JobRecord> record;
  auto epoch = record->initEpochStarted();
  epoch.setEpoch(state_.epoch() + 1);
  epoch.setReason(bounded_reason(reason));
  plan_complete_ = false;
  composed_ = false;
  add(out, record, now_ms);
  barrier_ = next_number() - 1;
}

tmsg::cancel job_machine::make_cancel(std::uint32_t attempt, const flight& what,
                                      std::string_view reason) const {
  message_builder<schema::Cancel> cancel;
  auto fence = cancel->initFence();
  fence.getJob().setJournal(state_.id().journal.value);
  fence.getJob().setNumber(state_.id().number);
  fence.setEpoch(what.epoch);
  fence.setStep(what.step);
  fence.setAttempt(attempt);
  cancel->setReason(text(reason));
  return cancel.finish();
}

void job_machine::cancel_in_flight(job_outbox& out, std::string_view reason) {
  for (const auto& [attempt, what] : in_flight_)
    out.cancels.push_back(make_cancel(attempt, what, reason));
  cancelled_.merge(in_flight_);
  in_flight_.clear();
  planning_.reset();
  // A new plan is not what was waited for, and a retry starts all of them anew.
  waiting_steps_.clear();
  waiting_request_ = false;
}

void job_machine::finish_if_complete(job_outbox& out, std::uint64_t now_ms) {
  if (ending_) return;
  auto answered = state_.answered_directly() || pending_answer_;
  if (state_.mode() == schema::PlanMode::PLAN_ACT) {
    auto known = state_.graph().remaining() + pending_steps_;
    if (!plan_complete_ || known != pending_done_.size() || (answer_is_asked_for() && !answered))
      return;
  } else if (!answered) {
    return;
  }
  end(out, schema::JobState::DONE, errc::unknown, {}, now_ms);
}

void job_machine::end(job_outbox& out, schema::JobState how, errc code, std::string_view reason,
                      std::uint64_t now_ms) {
  if (ending_) return;
  ending_ = true;
  cancel_in_flight(out, "the job has ended");
  message_builder<schema::JobRecord> record;
  auto ended = record->initEnded();
  ended.setState(how);
  ended.setCode(static_cast<schema::Errc>(code));
  if (!reason.empty()) ended.setReason(bounded_reason(reason));
  add(out, record, now_ms);
  apply_pending();
  add_rewards_at_end(state_, has_check_, code, out.rewards);
}

void job_machine::apply_pending() {
  while (!pending_.empty()) {
    auto next = std::move(pending_.front());
    pending_.pop_front();
    auto err = state_.apply(state_.last_number() + 1, std::move(next));
    assert(!err);
    static_cast<void>(err);
  }
  pending_done_.clear();
  pending_steps_ = 0;
  pending_answer_ = false;
}

schema::JobState job_machine::wanted_state() const {
  for (auto record = pending_.rbegin(); record != pending_.rend(); ++record)
    if (auto reader = record->read(); reader->isStateChanged())
      return reader->getStateChanged().getState();
  return state_.state();
}

bool job_machine::has_ended() const {
  return ending_ || (state_.ended() && wanted_state() == state_.state());
}

caf::expected<job_outbox> job_machine::on_command(schema::JobAction action, std::string_view reason,
                                                  std::uint64_t now_ms) {
  job_outbox out;
  auto refuse = [&](std::string_view why) {
    return make_error(errc::conflict, "job " + to_string(state_.id()) + ' ' + std::string{why});
  };
  auto change = [&](schema::JobState to, std::uint64_t deadline_at_ms) {
    message_builder<schema::JobRecord> record;
    auto changed = record->initStateChanged();
    changed.setState(to);
    changed.setDeadlineAtMs(deadline_at_ms);
    if (!reason.empty()) changed.setReason(bounded_reason(reason));
    add(out, record, now_ms);
    barrier_ = next_number() - 1;
  };
  // Commands that are not durable yet count: the next one refers to them.
  auto wanted = wanted_state();
  auto ended = has_ended();
  switch (action) {
    case schema::JobAction::CANCEL:
      if (ended) return refuse("has ended already");
      end(out, schema::JobState::CANCELLED, errc::cancelled,
          reason.empty() ? std::string_view{"cancelled by a client"} : reason, now_ms);
      return out;
    case schema::JobAction::PAUSE:
      if (ended) return refuse("has ended already");
      if (wanted != schema::JobState::PAUSED) change(schema::JobState::PAUSED, 0);
      return out;
    case schema::JobAction::RESUME:
      if (ended) return refuse("has ended; 'tandem retry' starts what failed again");
      if (wanted == schema::JobState::PAUSED) change(schema::JobState::RUNNING, 0);
      return out;
    case schema::JobAction::RETRY:
      if (!ended) return refuse("has not ended; there is nothing to retry");
      if (state_.state() == schema::JobState::DONE)
        return refuse("is done; submit it again instead");
      ending_ = false;
      plan_complete_ = state_.plan_complete();
      composed_ = !state_.compose_prompt().empty();
      // What was under way when it ended was cancelled.
      for (const auto& [id, step] : state_.steps())
        if (!step.done) state_.graph().requeue(id);
      change(schema::JobState::RUNNING,
             now_ms + static_cast<std::uint64_t>(settings_.limits.timeout.count()));
      return out;
    default:
      return make_error(errc::invalid_argument, "unknown action");
  }
}

void job_machine::reward_bad_plan(job_outbox& out, const flight& what, std::uint64_t decision,
                                  rung next) {
  if (what.purpose != schema::Purpose::PLAN) {
    // Its steps could not be carried out, or what came of them is wrong.
    if (next != rung::new_epoch && next != rung::other_way) return;
    decision = plan_decision(state_);
  }
  if (decision != 0)
    out.rewards.push_back(make_reward(schema::RewardSource::ESCALATION, schema::Purpose::PLAN,
                                      decision, 0, state_.tenant()));
}

job_outbox job_machine::on_deadline(std::uint64_t now_ms) {
  job_outbox out;
  if (!ending_)
    end(out, schema::JobState::FAILED, errc::deadline_exceeded,
        "the deadline passed; submit with a longer --timeout, or retry", now_ms);
  return out;
}

job_outbox job_machine::on_feedback(float score, std::string_view comment, std::uint64_t now_ms) {
  job_outbox out;
  message_builder<schema::JobRecord> record;
  auto feedback = record->initFeedback();
  feedback.setScore(score);
  if (!comment.empty()) feedback.setComment(bounded_reason(comment));
  add(out, record, now_ms);
  if (ending_) apply_pending();
  add_rewards_of_user(state_, score, out.rewards);
  return out;
}

}  // namespace tandem
