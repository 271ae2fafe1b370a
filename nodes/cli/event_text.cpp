// Events as lines of a log: see job_text.hpp.

#include <array>
#include <cstdio>

#include "nodes/cli/job_text.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t word_width = 8;

std::string step_line(schema::StepView::Reader step) {
  auto text = std::to_string(step.getStep()) + ' ' + printable_line(view(step.getKind())) + ": ";
  if (step.getState() == schema::StepState::DONE) {
    text += printable_line(view(step.getResult()));
    if (step.getModel().size() > 0) text += " (" + printable_line(view(step.getModel())) + ')';
    return text;
  }
  text += printable_line(view(step.getPrompt()));
  std::string needs;
  for (auto needed : step.getDependsOn()) needs += ' ' + std::to_string(needed);
  return needs.empty() ? text : text + " (needs" + needs + ')';
}

std::string failure_line(schema::AttemptView::Reader attempt) {
  std::string text{name_of(attempt.getPurpose())};
  if (attempt.getStep() != 0) text += ' ' + std::to_string(attempt.getStep());
  if (attempt.getEngine().size() > 0) text += " on " + printable_line(view(attempt.getEngine()));
  text += ": " + printable_line(describe(attempt.getError()));
  if (attempt.getRung().size() > 0) text += "; then: " + printable_line(view(attempt.getRung()));
  return text;
}

std::string plan_line(schema::PlanView::Reader plan, const job_picture& picture) {
  auto text = std::to_string(picture.step_count()) + " steps";
  if (plan.getComposed()) return text + ", the answer is composed";
  if (plan.getAnswerStep() == 0) return text;
  return text + ", the answer is step " + std::to_string(plan.getAnswerStep());
}

}  // namespace

std::string event_text(schema::JobEvent::Reader event, const job_picture& picture,
                       const style& how) {
  auto start = picture.submitted_at_ms();
  if (start == 0 && event.isState()) start = event.getState().getSubmittedAtMs();
  auto since = event.getAtMs() > start ? event.getAtMs() - start : 0;
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%9.3f s  ", static_cast<double>(since) / 1000);
  std::string text;
  auto add = [&](std::string_view word, tint colour, const std::string& rest) {
    auto line = how.paint(tint::dim, time.data());
    line += rest.empty() ? how.paint(colour, word)
                         : how.paint(colour, pad_right(word, word_width)) + ' ' + rest;
    text += line + '\n';
  };
  switch (event.which()) {
    case schema::JobEvent::STATE:
      add(name_of(event.getState().getState()), tint::bold,
          printable_line(view(event.getState().getReason())));
      break;
    case schema::JobEvent::STEPS:
      for (auto step : event.getSteps()) {
        auto done = step.getState() == schema::StepState::DONE;
        add(done ? "step" : "planned", done ? tint::green : tint::none, step_line(step));
      }
      break;
    case schema::JobEvent::ATTEMPT_FAILED:
      add("failed", tint::red, failure_line(event.getAttemptFailed()));
      break;
    case schema::JobEvent::EPOCH:
      add("replan", tint::yellow,
          "plan " + std::to_string(event.getEpoch().getEpoch()) + ": " +
              printable_line(view(event.getEpoch().getReason())));
      break;
    case schema::JobEvent::PLAN_COMPLETE:
      add("plan", tint::bold, plan_line(event.getPlanComplete(), picture));
      break;
    case schema::JobEvent::WAY: {
      auto way = event.getWay();
      if (way.getMode() == schema::PlanMode::AUTO)
        add("failed", tint::red,
            "way " + std::string{name_of(way.getFailed())} + ": " +
                printable_line(view(way.getReason())));
      else
        add("way", tint::bold,
            std::string{name_of(way.getMode())} + ", chosen by " +
                (way.getPolicy().size() == 0 ? "default" : printable_line(view(way.getPolicy()))));
      break;
    }
  }
  return text;
}

}  // namespace tandem::cli
