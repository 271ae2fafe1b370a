#include "nodes/cli/job_json.hpp"

#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

void time_field(json_writer& json, std::string_view name, std::uint64_t unix_ms) {
  if (unix_ms == 0)
    json.null_field(name);
  else
    json.field(name, unix_ms);
}

void write_usage(json_writer& json, schema::Usage::Reader usage) {
  json.object_field("usage");
  json.field("calls", usage.getCalls());
  json.field("prompt_tokens", usage.getPromptTokens());
  json.field("cached_prompt_tokens", usage.getCachedPromptTokens());
  json.field("completion_tokens", usage.getCompletionTokens());
  json.field("cost_nanousd", usage.getCostNanousd());
  json.field("cost_all_large_nanousd", usage.getCostAllLargeNanousd());
  json.field("cache_hits", usage.getCacheHits());
  json.field("saved_nanousd", usage.getSavedNanousd());
  auto saved = saving_percent(usage.getCostNanousd(), usage.getCostAllLargeNanousd());
  if (saved)
    json.field("saving_percent", *saved);
  else
    json.null_field("saving_percent");
  json.end();
}

/// null for what has no limit.
void write_budget(json_writer& json, schema::Budget::Reader budget) {
  json.object_field("budget");
  if (budget.getTokens() > 0)
    json.field("tokens", budget.getTokens());
  else
    json.null_field("tokens");
  if (budget.getCostNanousd() > 0)
    json.field("cost_nanousd", budget.getCostNanousd());
  else
    json.null_field("cost_nanousd");
  json.end();
}

void summary_fields(json_writer& json, schema::JobSummary::Reader summary) {
  json.field("job", to_string(id_of(summary.getJob())));
  json.field("state", name_of(summary.getState()));
  json.field("reason", view(summary.getReason()));
  json.field("goal", view(summary.getGoal()));
  json.field("tenant", view(summary.getTenant()));
  json.array_field("tags");
  for (auto tag : summary.getTags()) json.value(view(tag));
  json.end();
  json.field("priority", static_cast<int>(summary.getPriority()));
  json.field("mode", name_of(summary.getMode()));
  json.field("routed", summary.getRouted());
  time_field(json, "submitted_at_ms", summary.getSubmittedAtMs());
  time_field(json, "ended_at_ms", summary.getEndedAtMs());
  time_field(json, "deadline_at_ms", summary.getDeadlineAtMs());
  json.field("epoch", summary.getEpoch());
  json.field("steps_done", summary.getStepsDone());
  json.field("steps_total", summary.getStepsTotal());
  write_usage(json, summary.getUsage());
  write_budget(json, summary.getBudget());
  json.field("simulated", summary.getSimulated());
  if (summary.getFeedback() < 0)
    json.null_field("feedback");
  else
    json.field("feedback", static_cast<double>(summary.getFeedback()));
}

void answer_fields(json_writer& json, schema::JobSummary::Reader summary, std::string_view answer) {
  json.field("answer_bytes", summary.getAnswerBytes());
  if (summary.getState() == schema::JobState::DONE)
    json.field("answer", answer);
  else
    json.null_field("answer");
}

void write_step(json_writer& json, schema::StepView::Reader step) {
  json.object();
  json.field("step", step.getStep());
  json.field("epoch", step.getEpoch());
  json.field("kind", view(step.getKind()));
  json.field("prompt", view(step.getPrompt()));
  json.array_field("depends_on");
  for (auto needed : step.getDependsOn()) json.value(needed);
  json.end();
  json.field("state", name_of(step.getState()));
  auto is_done = step.getState() == schema::StepState::DONE;
  if (is_done)
    json.field("result", view(step.getResult()));
  else
    json.null_field("result");
  json.field("model", view(step.getModel()));
  time_field(json, "done_at_ms", step.getDoneAtMs());
  json.end();
}

void write_attempt(json_writer& json, schema::AttemptView::Reader attempt) {
  json.object();
  json.field("attempt", attempt.getAttempt());
  json.field("step", attempt.getStep());
  json.field("epoch", attempt.getEpoch());
  json.field("purpose", name_of(attempt.getPurpose()));
  json.field("engine", view(attempt.getEngine()));
  json.field("model", view(attempt.getModel()));
  json.field("tier", view(attempt.getTier()));
  json.field("weight_version", view(attempt.getWeightVersion()));
  auto error = attempt.getError();
  if (error.getCode() == schema::Errc::UNKNOWN) {
    json.null_field("error");
  } else {
    json.object_field("error");
    json.field("code", name_of(error.getCode()));
    json.field("message", view(error.getMessage()));
    json.end();
  }
  json.field("rung", view(attempt.getRung()));
  json.field("hedged", attempt.getHedged());
  json.field("cache_level", attempt.getCache().getLevel());
  json.field("cache_reason", view(attempt.getCache().getReason()));
  write_usage(json, attempt.getUsage());
  json.field("queue_us", attempt.getQueueUs());
  json.field("first_token_us", attempt.getFirstTokenUs());
  json.field("total_us", attempt.getTotalUs());
  // A 64-bit number would lose digits in many JSON readers.
  json.field("decision", std::to_string(attempt.getDecision()));
  time_field(json, "at_ms", attempt.getAtMs());
  json.end();
}

void write_way(json_writer& json, schema::WayView::Reader way) {
  json.object();
  json.field("mode", name_of(way.getMode()));
  if (way.getFailed() != schema::PlanMode::UNKNOWN) json.field("failed", name_of(way.getFailed()));
  json.field("reason", view(way.getReason()));
  json.field("policy", view(way.getPolicy()));
  json.field("decision", std::to_string(way.getDecision()));
  time_field(json, "at_ms", way.getAtMs());
  json.end();
}

void event_body(json_writer& json, schema::JobEvent::Reader event) {
  switch (event.which()) {
    case schema::JobEvent::STATE:
      json.key("job");
      return write_json(json, event.getState());
    case schema::JobEvent::STEPS:
      json.array_field("steps");
      for (auto step : event.getSteps()) write_step(json, step);
      return json.end();
    case schema::JobEvent::ATTEMPT_FAILED:
      json.key("attempt");
      return write_attempt(json, event.getAttemptFailed());
    case schema::JobEvent::EPOCH:
      json.field("epoch", event.getEpoch().getEpoch());
      return json.field("reason", view(event.getEpoch().getReason()));
    case schema::JobEvent::PLAN_COMPLETE: {
      auto plan = event.getPlanComplete();
      json.field("epoch", plan.getEpoch());
      json.field("answer_step", plan.getAnswerStep());
      json.field("composed", plan.getComposed());
      json.key("attempt");
      return write_attempt(json, plan.getAttempt());
    }
    case schema::JobEvent::WAY:
      json.key("way");
      return write_way(json, event.getWay());
  }
}

}  // namespace

std::string_view kind_of(schema::JobEvent::Reader event) {
  switch (event.which()) {
    case schema::JobEvent::STATE:
      return "state";
    case schema::JobEvent::STEPS:
      return "steps";
    case schema::JobEvent::ATTEMPT_FAILED:
      return "attempt_failed";
    case schema::JobEvent::EPOCH:
      return "epoch";
    case schema::JobEvent::PLAN_COMPLETE:
      return "plan_complete";
    case schema::JobEvent::WAY:
      return "way";
  }
  return "unknown";
}

job_id id_of(schema::JobId::Reader id) {
  return {.journal = journal_id{id.getJournal()}, .number = id.getNumber()};
}

void write_json(json_writer& json, schema::JobSummary::Reader summary) {
  write_json(json, summary, view(summary.getAnswer()));
}

void write_json(json_writer& json, schema::JobSummary::Reader summary, std::string_view answer) {
  json.object();
  summary_fields(json, summary);
  answer_fields(json, summary, answer);
  json.end();
}

void write_json(json_writer& json, schema::JobView::Reader job) {
  auto summary = job.getSummary();
  json.object();
  summary_fields(json, summary);
  answer_fields(json, summary, view(summary.getAnswer()));
  json.field("answer_step", job.getAnswerStep());
  json.field("plan_complete", job.getPlanComplete());
  json.field("cut", job.getCut());
  json.array_field("steps");
  for (auto step : job.getSteps()) write_step(json, step);
  json.end();
  json.array_field("ways");
  for (auto way : job.getWays()) write_way(json, way);
  json.end();
  json.array_field("attempts");
  for (auto attempt : job.getAttempts()) write_attempt(json, attempt);
  json.end();
  json.end();
}

void write_json(json_writer& json, schema::JobEvent::Reader event) {
  json.object();
  json.field("event", kind_of(event));
  json.field("number", event.getNumber());
  json.field("at_ms", event.getAtMs());
  event_body(json, event);
  json.end();
}

}  // namespace tandem::cli
