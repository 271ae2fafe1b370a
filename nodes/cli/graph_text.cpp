// The plan as text: see job_text.hpp.

#include <algorithm>

#include "nodes/cli/job_text.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t indent_levels_max = 8;
constexpr std::size_t prompt_width_max = 48;

struct looks {
  std::string_view unicode;
  std::string_view ascii;
  tint colour;
};

looks looks_of(schema::StepState state) {
  switch (state) {
    case schema::StepState::DONE:
      return {"✓", "[x]", tint::green};
    case schema::StepState::RUNNING:
      return {"●", "[>]", tint::yellow};
    case schema::StepState::ABANDONED:
      return {"✗", "[-]", tint::dim};
    default:
      return {"○", "[ ]", tint::none};
  }
}

std::string needs_text(const picture_step& step) {
  std::string text;
  for (auto needed : step.depends_on) {
    text += (text.empty() ? "" : ",") + std::to_string(needed);
  }
  return text;
}

table::cell result_cell(const job_picture& job, std::uint32_t id, const picture_step& step) {
  auto state = job.state_of(id);
  if (state == schema::StepState::DONE) return {step.result};
  if (state == schema::StepState::ABANDONED) return {"given up", tint::dim};
  std::string text = state == schema::StepState::RUNNING ? "running" : "";
  if (step.failures > 0) {
    text += (text.empty() ? "" : ", ") + std::to_string(step.failures) +
            " failed: " + step.last_failure;
    return {text, tint::red};
  }
  return {text, tint::yellow};
}

/// Which steps to show: all, or `rows_max` of them, finished ones left out first, from the oldest.
std::vector<std::uint32_t> choose_steps(const job_picture& job, std::size_t rows_max) {
  std::vector<std::uint32_t> chosen;
  for (const auto& [id, step] : job.steps()) chosen.push_back(id);
  if (rows_max == 0 || chosen.size() <= rows_max) return chosen;
  auto excess = chosen.size() - rows_max;
  std::erase_if(chosen, [&](std::uint32_t id) {
    auto state = job.steps().at(id).state;
    auto is_over = state == schema::StepState::DONE || state == schema::StepState::ABANDONED;
    return is_over && excess > 0 && excess-- > 0;
  });
  if (chosen.size() > rows_max) chosen.resize(rows_max);
  return chosen;
}

}  // namespace

std::vector<std::string> graph_lines(const job_picture& job, const style& how,
                                     std::size_t rows_max) {
  auto chosen = choose_steps(job, rows_max);
  auto has_epochs = job.epoch() > 1;
  table out{{{"STEP"}, {"KIND"}, {"NEEDS"}, {"MODEL"}, {"PROMPT"}, {"RESULT"}}};
  auto prompt_width = how.width == 0 ? prompt_width_max
                                     : std::clamp<std::size_t>(how.width / 3, 12, prompt_width_max);
  for (auto id : chosen) {
    const auto& step = job.steps().at(id);
    auto look = looks_of(job.state_of(id));
    auto indent = 2 * std::min<std::size_t>(step.level, indent_levels_max);
    auto label = std::string(indent, ' ') + std::string{how.unicode ? look.unicode : look.ascii} +
                 ' ' + std::to_string(id);
    if (has_epochs) label += " (plan " + std::to_string(step.epoch) + ')';
    if (id == job.answer_step()) label += how.unicode ? " ★" : " *";
    out.add({{label, look.colour},
             printable_line(step.kind),
             needs_text(step),
             step.model,
             fit(printable_line(step.prompt), prompt_width),
             result_cell(job, id, step)});
  }
  std::vector<std::string> lines;
  auto text = out.render(how, true);
  for (std::size_t start = 0; start < text.size();) {
    auto end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (chosen.size() < job.steps().size()) {
    lines.push_back(how.paint(tint::dim, std::to_string(job.steps().size() - chosen.size()) +
                                             " more steps are not shown"));
  }
  return lines;
}

}  // namespace tandem::cli
