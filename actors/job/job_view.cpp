#include "actors/job/job_view.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "schema/text.hpp"

namespace tandem {
namespace {

/// One message stays below 256 KiB, its envelope included.
constexpr std::size_t reply_bytes_max = 240 * 1024;
constexpr std::size_t event_text_max = 512;
constexpr std::size_t chunk_bytes_max = 128 * 1024;
constexpr std::size_t reply_items_max = 1200;

/// Cuts texts to a limit each and remembers that it did.
struct cutter {
  std::size_t each;
  bool used = false;

  std::string operator()(std::string_view s) {
    auto kept = cut(s, each);
    used = used || kept.size() != s.size();
    return std::string{kept};
  }
};

void write_attempt_view(schema::AttemptView::Builder out, schema::AttemptRecord::Reader record,
                        std::uint64_t at_ms, cutter& cut_text) {
  out.setAttempt(record.getAttempt());
  out.setStep(record.getStep());
  out.setEpoch(record.getEpoch());
  out.setPurpose(record.getPurpose());
  out.setEngine(record.getEngine());
  out.setModel(record.getModel());
  out.setTier(record.getTier());
  out.setWeightVersion(record.getWeightVersion());
  if (record.hasError()) {
    auto error = out.initError();
    error.setCode(record.getError().getCode());
    error.setMessage(cut_text(view(record.getError().getMessage())));
  }
  out.setRung(record.getRung());
  out.setUsage(record.getUsage());
  out.setQueueUs(record.getQueueUs());
  out.setFirstTokenUs(record.getFirstTokenUs());
  out.setTotalUs(record.getTotalUs());
  out.setDecision(record.getDecision());
  out.setHedged(record.getHedged());
  if (record.hasCache()) out.setCache(record.getCache());
  out.setAtMs(at_ms);
}

schema::StepState state_of(const job_state& state, const job_step& step) {
  if (step.done) return schema::StepState::DONE;
  if (step.abandoned) return schema::StepState::ABANDONED;
  auto in_graph = state.graph().state_of(step.id);
  auto ready = in_graph == plan::step_state::ready || in_graph == plan::step_state::taken;
  return ready && state.state() == schema::JobState::RUNNING ? schema::StepState::RUNNING
                                                             : schema::StepState::WAITING;
}

void write_step_view(schema::StepView::Builder out, const job_state& state, const job_step& step,
                     cutter& cut_text) {
  out.setStep(step.id);
  out.setEpoch(step.epoch);
  out.setKind(text(step.kind));
  out.setPrompt(cut_text(step.prompt));
  auto deps = out.initDependsOn(static_cast<unsigned>(step.depends_on.size()));
  for (unsigned i = 0; i < deps.size(); ++i) deps.set(i, step.depends_on[i]);
  out.setState(state_of(state, step));
  if (step.done) {
    out.setResult(cut_text(step.result));
    out.setModel(text(step.model));
    out.setDoneAtMs(step.done_at_ms);
  }
}

/// The account of an attempt that a record carries, if it carries one.
bool attempt_of(schema::JobRecord::Reader record, schema::AttemptRecord::Reader& attempt) {
  if (record.isAttemptFailed())
    attempt = record.getAttemptFailed();
  else if (record.isStepDone())
    attempt = record.getStepDone().getAttempt();
  else if (record.isPlanComplete())
    attempt = record.getPlanComplete().getAttempt();
  else
    return false;
  return true;
}

void write_way_view(schema::WayView::Builder out, schema::WayRecord::Reader way,
                    std::uint64_t at_ms) {
  out.setMode(way.getMode());
  out.setFailed(way.getFailed());
  out.setReason(way.getReason());
  out.setDecision(way.getDecision());
  out.setPolicy(way.getPolicy());
  out.setAtMs(at_ms);
}

bool write_event(schema::JobEvent::Builder event, const job_state& state,
                 schema::JobRecord::Reader record, cutter& cut_text) {
  using which = schema::JobRecord::Which;
  event.setAtMs(record.getAtMs());
  switch (record.which()) {
    case which::STEPS_PLANNED: {
      auto planned = record.getStepsPlanned();
      auto steps = event.initSteps(planned.size());
      for (unsigned i = 0; i < steps.size(); ++i) {
        steps[i].setStep(planned[i].getStep());
        steps[i].setEpoch(planned[i].getEpoch());
        steps[i].setKind(planned[i].getKind());
        steps[i].setPrompt(cut_text(view(planned[i].getPrompt())));
        steps[i].setDependsOn(planned[i].getDependsOn());
        steps[i].setState(schema::StepState::WAITING);
      }
      return true;
    }
    case which::STEP_DONE: {
      auto id = record.getStepDone().getAttempt().getStep();
      if (id == 0) return false;
      write_step_view(event.initSteps(1)[0], state, *state.find_step(id), cut_text);
      return true;
    }
    case which::ATTEMPT_FAILED:
      write_attempt_view(event.initAttemptFailed(), record.getAttemptFailed(), record.getAtMs(),
                         cut_text);
      return true;
    case which::EPOCH_STARTED: {
      auto epoch = event.initEpoch();
      epoch.setEpoch(record.getEpochStarted().getEpoch());
      epoch.setReason(record.getEpochStarted().getReason());
      return true;
    }
    case which::PLAN_COMPLETE: {
      auto plan = event.initPlanComplete();
      plan.setEpoch(record.getPlanComplete().getEpoch());
      plan.setAnswerStep(record.getPlanComplete().getAnswerStep());
      plan.setComposed(record.getPlanComplete().getCompose().size() != 0);
      write_attempt_view(plan.initAttempt(), record.getPlanComplete().getAttempt(),
                         record.getAtMs(), cut_text);
      return true;
    }
    case which::WAY:
      write_way_view(event.initWay(), record.getWay(), record.getAtMs());
      return true;
    case which::FEEDBACK:
      return false;
    default: {
      auto summary = event.initState();
      write_summary(summary, state);
      // As it was then, not as it is now.
      summary.disownReason();
      if (record.isSubmitted()) summary.setState(schema::JobState::RUNNING);
      if (record.isStateChanged()) {
        summary.setState(record.getStateChanged().getState());
        summary.setReason(record.getStateChanged().getReason());
      }
      if (record.isEnded()) {
        summary.setState(record.getEnded().getState());
        summary.setReason(record.getEnded().getReason());
      }
      return true;
    }
  }
}

}  // namespace

void write_summary(schema::JobSummary::Builder summary, const job_state& state) {
  summary.getJob().setJournal(state.id().journal.value);
  summary.getJob().setNumber(state.id().number);
  summary.setState(state.state());
  if (!state.reason().empty()) summary.setReason(text(state.reason()));
  summary.setGoal(std::string{cut(state.goal(), summary_text_max)});
  auto submitted = state.submitted();
  auto record = submitted->getSubmitted();
  summary.setTenant(record.getTenant());
  summary.setTags(record.getTags());
  summary.setPriority(state.priority());
  summary.setMode(state.mode());
  summary.setRouted(state.is_routed());
  summary.setSubmittedAtMs(state.submitted_at_ms());
  summary.setEndedAtMs(state.ended_at_ms());
  summary.setDeadlineAtMs(state.deadline_at_ms());
  summary.setEpoch(state.epoch());
  std::uint32_t done = 0;
  std::uint32_t total = 0;
  for (const auto& [id, step] : state.steps()) {
    done += step.done ? 1 : 0;
    total += step.abandoned ? 0 : 1;
  }
  summary.setStepsDone(done);
  summary.setStepsTotal(total);
  state.usage().write(summary.initUsage());
  if (state.state() == schema::JobState::DONE) {
    auto answer = state.answer();
    summary.setAnswer(std::string{cut(answer, summary_text_max)});
    summary.setAnswerBytes(answer.size());
  }
  summary.setSimulated(state.simulated());
  summary.setFeedback(state.feedback());
  if (record.hasBudget()) summary.setBudget(record.getBudget());
}

tmsg::jobsum make_summary(const job_state& state) {
  message_builder<schema::JobSummary> summary;
  write_summary(*summary, state);
  return summary.finish();
}

namespace {

/// How much of a job one view shows.
struct view_extent {
  std::size_t text_bytes;
  std::size_t steps;
  std::size_t attempts;
};

tmsg::jobview build_view(const job_state& state, const view_extent& extent,
                         const std::vector<std::uint32_t>& with_attempt) {
  message_builder<schema::JobView> out;
  write_summary(out->initSummary(), state);
  cutter cut_text{.each = extent.text_bytes};
  auto steps = out->initSteps(static_cast<unsigned>(extent.steps));
  unsigned place = 0;
  for (const auto& [id, step] : state.steps()) {
    if (place == extent.steps) break;
    write_step_view(steps[place++], state, step, cut_text);
  }
  auto attempts = out->initAttempts(static_cast<unsigned>(extent.attempts));
  for (unsigned i = 0; i < extent.attempts; ++i) {
    auto record = state.records()[with_attempt[i]].read();
    schema::AttemptRecord::Reader attempt;
    attempt_of(*record, attempt);
    write_attempt_view(attempts[i], attempt, record->getAtMs(), cut_text);
  }
  std::vector<const job_record*> ways;
  if (state.is_routed())
    for (const auto& record : state.records())
      if (record.read()->isWay()) ways.push_back(&record);
  auto list = out->initWays(static_cast<unsigned>(ways.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto record = ways[i]->read();
    write_way_view(list[i], record->getWay(), record->getAtMs());
  }
  out->setAnswerStep(state.answer_step());
  out->setPlanComplete(state.plan_complete());
  out->setCut(cut_text.used || extent.steps < state.steps().size() ||
              extent.attempts < with_attempt.size());
  return out.finish();
}

}  // namespace

tmsg::jobview make_view(const job_state& state, std::size_t text_bytes_max) {
  constexpr std::size_t text_bytes_min = 64;
  std::vector<std::uint32_t> with_attempt;
  for (std::uint32_t i = 0; i < state.records().size(); ++i) {
    schema::AttemptRecord::Reader attempt;
    if (attempt_of(*state.records()[i].read(), attempt)) with_attempt.push_back(i);
  }
  view_extent extent{.text_bytes = text_bytes_max == 0 ? view_text_max : text_bytes_max,
                     .steps = std::min(state.steps().size(), reply_items_max),
                     .attempts = std::min(with_attempt.size(), reply_items_max)};
  auto share = reply_bytes_max / std::max<std::size_t>(2 * extent.steps + extent.attempts, 1);
  extent.text_bytes = std::min(extent.text_bytes, std::max(share, text_bytes_min));
  for (;;) {
    auto result = build_view(state, extent, with_attempt);
    if (result.bytes().size() <= reply_bytes_max || extent.steps + extent.attempts == 0)
      return result;
    // Texts give way first, then attempts, then steps.
    if (extent.text_bytes > text_bytes_min)
      extent.text_bytes /= 2;
    else if (extent.attempts > extent.steps / 2)
      extent.attempts /= 2;
    else
      extent.steps /= 2;
  }
}

tmsg::events make_events(const job_state& state, std::uint32_t after, std::uint32_t last) {
  constexpr std::uint32_t events_max = 64;
  last = std::min(last, state.last_number());
  after = std::min(after, last);
  auto end = after + std::min(last - after, events_max);
  message_builder<schema::JobEvents> out;
  capnp::MallocMessageBuilder arena;
  std::vector<capnp::Orphan<schema::JobEvent>> kept;
  std::uint64_t words = 0;
  for (auto number = after + 1; number <= end; ++number) {
    auto record = state.records()[number - 1].read();
    auto steps = record->isStepsPlanned() ? record->getStepsPlanned().size() : 1;
    cutter cut_text{.each = std::min(event_text_max, reply_bytes_max / 2 / std::max(steps, 1u))};
    auto orphan = arena.getOrphanage().newOrphan<schema::JobEvent>();
    orphan.get().setNumber(number);
    if (!write_event(orphan.get(), state, *record, cut_text)) continue;
    words += orphan.getReader().totalSize().wordCount;
    if (words * sizeof(capnp::word) > reply_bytes_max && !kept.empty()) {
      end = number - 1;
      break;
    }
    kept.push_back(std::move(orphan));
  }
  auto events = out->initEvents(static_cast<unsigned>(kept.size()));
  for (unsigned i = 0; i < events.size(); ++i) events.setWithCaveats(i, kept[i].getReader());
  out->setEnded(state.ended() && end >= state.last_number());
  out->setLast(end);
  return out.finish();
}

tmsg::reschnk make_result(const job_state& state, std::uint64_t offset) {
  message_builder<schema::ResultChunk> out;
  out->setState(state.state());
  if (!state.reason().empty()) out->setReason(text(state.reason()));
  if (state.state() == schema::JobState::DONE) {
    auto answer = state.answer();
    auto piece = answer.substr(std::min<std::size_t>(offset, answer.size()), chunk_bytes_max);
    out->setText(
        capnp::Data::Reader{reinterpret_cast<const kj::byte*>(piece.data()), piece.size()});
    out->setTotalBytes(answer.size());
  }
  return out.finish();
}

}  // namespace tandem
