#include "nodes/cli/job_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "nodes/cli/cache_text.hpp"
#include "nodes/cli/fact_list.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

microseconds us(std::uint64_t count) {
  return microseconds{static_cast<std::int64_t>(count)};
}

microseconds between(std::uint64_t from_ms, std::uint64_t to_ms) {
  return us((to_ms > from_ms ? to_ms - from_ms : 0) * 1000);
}

tint tint_of(schema::JobState state) {
  switch (state) {
    case schema::JobState::DONE:
      return tint::green;
    case schema::JobState::FAILED:
      return tint::red;
    case schema::JobState::RUNNING:
    case schema::JobState::PAUSED:
      return tint::yellow;
    default:
      return tint::none;
  }
}

/// `1,234 in (200 cached), 56 out`
std::string tokens_text(schema::Usage::Reader usage) {
  auto text = human_count(usage.getPromptTokens()) + " in";
  if (usage.getCachedPromptTokens() > 0) {
    text += " (" + human_count(usage.getCachedPromptTokens()) + " cached)";
  }
  return text + ", " + human_count(usage.getCompletionTokens()) + " out";
}

std::string cost_text(schema::Usage::Reader usage) {
  auto text = human_money(usage.getCostNanousd());
  auto saving = human_saving(usage.getCostNanousd(), usage.getCostAllLargeNanousd());
  if (saving.empty()) return text;
  return text + "; all large " + human_money(usage.getCostAllLargeNanousd()) + ": " + saving;
}

std::string state_text(schema::JobSummary::Reader summary, std::uint64_t now) {
  std::string text{name_of(summary.getState())};
  auto has_end = has_ended(summary.getState());
  auto time =
      human_duration(between(summary.getSubmittedAtMs(), has_end ? summary.getEndedAtMs() : now));
  return text + (has_end ? " after " : " for ") + time;
}

std::string settings_text(schema::JobSummary::Reader summary) {
  std::string text = "mode " + std::string{name_of(summary.getMode())};
  if (summary.getRouted() && summary.getMode() != schema::PlanMode::AUTO)
    text += " (chosen by the router)";
  if (summary.getTenant().size() > 0) {
    text += ", tenant " + printable_line(view(summary.getTenant()));
  }
  if (summary.getPriority() != 0) {
    text += ", priority " + std::to_string(static_cast<int>(summary.getPriority()));
  }
  if (summary.getTags().size() > 0) {
    text += ", tags";
    for (auto tag : summary.getTags()) text += ' ' + printable_line(view(tag));
  }
  return text;
}

std::string times_text(schema::JobSummary::Reader summary, std::uint64_t now) {
  auto text = "submitted " + human_time(summary.getSubmittedAtMs()) + ", " +
              human_age(summary.getSubmittedAtMs(), now);
  if (!has_ended(summary.getState()) && summary.getDeadlineAtMs() != 0) {
    text += "; must end " + human_age(summary.getDeadlineAtMs(), now);
  }
  return text;
}

std::string score_text(float feedback) {
  if (feedback < 0) return {};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f of 1", static_cast<double>(feedback));
  return text.data();
}

/// `1,290 of 5,000 tokens used, $0.000123 of $1.0000 spent`
std::string budget_text(schema::JobSummary::Reader summary) {
  auto budget = summary.getBudget();
  auto usage = summary.getUsage();
  std::string text;
  if (budget.getTokens() > 0) {
    text = human_count(usage.getPromptTokens() + usage.getCompletionTokens()) + " of " +
           human_count(budget.getTokens()) + " tokens used";
  }
  if (budget.getCostNanousd() > 0) {
    if (!text.empty()) text += ", ";
    text += human_money(usage.getCostNanousd()) + " of " + human_money(budget.getCostNanousd()) +
            " spent";
  }
  return text;
}

std::string facts(schema::JobView::Reader job, const style& how, std::uint64_t now) {
  auto summary = job.getSummary();
  fact_list list{how};
  list.add("job", how.paint(tint::bold, to_string(id_of(summary.getJob()))) + "  " +
                      how.paint(tint_of(summary.getState()), state_text(summary, now)));
  list.add_text("reason", view(summary.getReason()));
  list.add_text("goal", view(summary.getGoal()));
  list.add("set", settings_text(summary));
  list.add("time", times_text(summary, now));
  auto usage = summary.getUsage();
  auto calls = human_count(usage.getCalls()) + (usage.getCalls() == 1 ? " call" : " calls");
  list.add("tokens", tokens_text(usage) + "; " + calls);
  list.add("cost", cost_text(usage) + (summary.getSimulated() ? " (simulated)" : ""));
  if (usage.getCacheHits() > 0)
    list.add("cached", human_count(usage.getCacheHits()) +
                           (usage.getCacheHits() == 1 ? " answer" : " answers") +
                           " without a call, " + human_money(usage.getSavedNanousd()) + " saved");
  list.add("budget", budget_text(summary));
  list.add("score", score_text(summary.getFeedback()));
  if (summary.getState() == schema::JobState::DONE) {
    list.add_text("answer", view(summary.getAnswer()));
    if (summary.getAnswerBytes() > summary.getAnswer().size()) {
      list.add("", "... " + human_bytes(summary.getAnswerBytes()) + " in all: `tandem result " +
                       to_string(id_of(summary.getJob())) + "`");
    }
  }
  return list.text();
}

std::string purpose_text(schema::AttemptView::Reader attempt) {
  std::string text{name_of(attempt.getPurpose())};
  return attempt.getStep() == 0 ? text : text + ' ' + std::to_string(attempt.getStep());
}

table::cell outcome_cell(schema::AttemptView::Reader attempt) {
  std::string hedged = attempt.getHedged() ? " (slow: a second copy ran too)" : "";
  auto served = served_text(attempt);
  if (!served.empty()) served = ", " + served;
  if (attempt.getError().getCode() == schema::Errc::UNKNOWN)
    return {"ok" + hedged + served, tint::green};
  auto text = describe(attempt.getError()) + hedged;
  if (attempt.getRung().size() > 0) text += "; then: " + std::string{view(attempt.getRung())};
  return {text, tint::red};
}

/// `way small: the answer failed …; way plan_act (auto, decision 12)`
std::string ways_text(schema::JobView::Reader job) {
  std::string text;
  for (auto way : job.getWays()) {
    auto gave_up = way.getMode() == schema::PlanMode::AUTO;
    text += "  way " + std::string{name_of(gave_up ? way.getFailed() : way.getMode())};
    if (gave_up)
      text += " given up: " + printable_line(view(way.getReason()));
    else if (way.getDecision() != 0)
      text += ", chosen by " + printable_line(view(way.getPolicy())) + " in decision " +
              std::to_string(way.getDecision());
    text += '\n';
  }
  return text.empty() ? text : '\n' + text;
}

std::string attempts_text(schema::JobView::Reader job, const style& how) {
  if (job.getAttempts().size() == 0) return {};
  using align = table::align;
  table out{{{"TRY", align::right},
             {"FOR"},
             {"ENGINE"},
             {"MODEL"},
             {"WEIGHTS"},
             {"IN", align::right},
             {"CACHED", align::right},
             {"OUT", align::right},
             {"QUEUE", align::right},
             {"FIRST", align::right},
             {"TOTAL", align::right},
             {"COST", align::right},
             {"DECISION"},
             {"OUTCOME"}}};
  for (auto attempt : job.getAttempts()) {
    auto usage = attempt.getUsage();
    out.add({std::to_string(attempt.getAttempt()), purpose_text(attempt),
             std::string{view(attempt.getEngine())}, std::string{view(attempt.getModel())},
             std::string{view(attempt.getWeightVersion())}, human_count(usage.getPromptTokens()),
             human_count(usage.getCachedPromptTokens()), human_count(usage.getCompletionTokens()),
             human_duration(us(attempt.getQueueUs())),
             human_duration(us(attempt.getFirstTokenUs())),
             human_duration(us(attempt.getTotalUs())), human_money(usage.getCostNanousd()),
             attempt.getDecision() == 0 ? std::string{} : std::to_string(attempt.getDecision()),
             outcome_cell(attempt)});
  }
  out.drop_empty();
  return '\n' + out.render(how);
}

}  // namespace

std::string ending_text(schema::JobSummary::Reader summary) {
  auto text = std::string{name_of(summary.getState())} + " in " +
              human_duration(between(summary.getSubmittedAtMs(), summary.getEndedAtMs()));
  if (summary.getStepsTotal() > 0) {
    text += ", " + std::to_string(summary.getStepsDone()) + " of " +
            std::to_string(summary.getStepsTotal()) + " steps";
  }
  auto usage = summary.getUsage();
  text += ", " + human_money(usage.getCostNanousd());
  auto saving = human_saving(usage.getCostNanousd(), usage.getCostAllLargeNanousd());
  if (!saving.empty()) text += " (" + saving + " against all large)";
  return summary.getSimulated() ? text + ", simulated" : text;
}

std::string job_text(schema::JobView::Reader job, const style& how, std::uint64_t now) {
  job_picture picture;
  picture.apply(job);
  auto text = facts(job, how, now);
  if (!picture.steps().empty()) {
    text += '\n';
    for (const auto& line : graph_lines(picture, how)) text += line + '\n';
  }
  text += ways_text(job) + attempts_text(job, how);
  if (job.getCut()) {
    text +=
        "\nSome texts, steps or attempts are cut; --json has no more, `tandem result` has the "
        "whole "
        "answer.\n";
  }
  return text;
}

std::string jobs_text(schema::JobList::Reader list, const style& how, std::uint64_t now) {
  using align = table::align;
  table out{{{"JOB"},
             {"STATE"},
             {"STEPS", align::right},
             {"AGE", align::right},
             {"TIME", align::right},
             {"COST", align::right},
             {"SAVED", align::right},
             {"GOAL"}}};
  for (auto job : list.getJobs()) {
    auto ended = has_ended(job.getState());
    auto usage = job.getUsage();
    auto saved = saving_percent(usage.getCostNanousd(), usage.getCostAllLargeNanousd());
    std::array<char, 32> percent{};
    if (saved) std::snprintf(percent.data(), percent.size(), "%.1f%%", *saved);
    out.add({to_string(id_of(job.getJob())),
             {std::string{name_of(job.getState())}, tint_of(job.getState())},
             std::to_string(job.getStepsDone()) + '/' + std::to_string(job.getStepsTotal()),
             human_age(job.getSubmittedAtMs(), now),
             human_duration(between(job.getSubmittedAtMs(), ended ? job.getEndedAtMs() : now)),
             human_money(usage.getCostNanousd()),
             std::string{percent.data()},
             std::string{view(job.getGoal())}});
  }
  return out.render(how);
}

std::string missing_text(schema::JobList::Reader list, const style& how) {
  std::string text;
  for (auto journal : list.getMissing()) {
    auto node = printable_line(view(journal.getNode()));
    auto where = to_string(journal_id{journal.getJournal()}) + " (" +
                 (node.empty() ? "of a node not seen yet" : "node " + node) + ')';
    auto line = journal.getWaiting() ? "waiting for journal " + where
                                     : "journal " + where + " did not answer";
    text += how.paint(tint::yellow, line) + '\n';
  }
  return text;
}

}  // namespace tandem::cli
