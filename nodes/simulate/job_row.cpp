#include "nodes/simulate/job_row.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace tandem::simulation {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;

constexpr std::size_t name_bytes_max = 64;
/// Unix milliseconds of the year 5138.
constexpr double ms_end = 1e14;
/// Of a step in a plan, beside its text: ids, keys, what it needs.
constexpr std::uint32_t step_frame_tokens = 24;
constexpr std::uint32_t unknown_goal_tokens = 200;

/// One of its ids in the log.
struct logged_step {
  std::uint64_t id = 0;
  std::uint64_t epoch = 0;
  std::vector<std::uint64_t> needs;
  planned_step plan;
  bool done = false;
  bool sized = false;
};

struct logged_job {
  std::vector<logged_step> steps;
  std::map<std::uint64_t, std::size_t> places;
  std::uint32_t plan_in = 0, plan_out = 0;
  std::uint32_t answer_in = 0, answer_out = 0;
  bool has_attempt = false;
  bool refused = false;
  bool right = false;
};

std::uint64_t number_in(element row, std::string_view key) {
  double value = 0;
  if (row[key].get(value) != SUCCESS || !(value >= 0 && value < 1e15)) return 0;
  return static_cast<std::uint64_t>(value);
}

std::string_view text_in(element row, std::string_view key) {
  std::string_view text;
  std::ignore = row[key].get(text);
  return text.substr(0, name_bytes_max);
}

/// It becomes part of a plan's JSON.
std::string kind_in(element row) {
  std::string kind;
  for (char c : text_in(row, "kind")) {
    auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-' || c == '.';
    kind += plain ? c : '_';
  }
  return kind.empty() ? "step" : kind;
}

/// What is wrong; empty: nothing.
std::string read_steps(element row, logged_job& job) {
  simdjson::dom::array steps;
  if (row["steps"].get(steps) != SUCCESS) return "has no list `steps`";
  for (auto each : steps) {
    if (job.steps.size() == job_row_steps_max)
      return "has more than " + std::to_string(job_row_steps_max) + " steps";
    logged_step step{.id = number_in(each, "step"), .epoch = number_in(each, "epoch")};
    if (step.id == 0) return "has a step without a number";
    step.plan.kind = kind_in(each);
    simdjson::dom::array needs;
    if (each["depends_on"].get(needs) == SUCCESS)
      for (auto need : needs) {
        std::uint64_t id = 0;
        if (need.get(id) != SUCCESS || step.needs.size() == job_row_steps_max)
          return "has a step whose depends_on is no list of steps";
        step.needs.push_back(id);
      }
    job.steps.push_back(std::move(step));
  }
  std::sort(job.steps.begin(), job.steps.end(),
            [](const logged_step& a, const logged_step& b) { return a.id < b.id; });
  for (std::size_t i = 0; i < job.steps.size(); ++i)
    if (!job.places.emplace(job.steps[i].id, i).second) return "has two steps of one number";
  return {};
}

/// Attempts come in the order of their ends.
void read_attempt(element attempt, std::string_view small_tier, logged_job& job) {
  job.has_attempt = true;
  auto fits = attempt["error"].is_null();
  auto refused = text_in(attempt, "error") == "invalid_output";
  auto in = static_cast<std::uint32_t>(std::min(number_in(attempt, "prompt_tokens"), tokens_max));
  auto out =
      static_cast<std::uint32_t>(std::min(number_in(attempt, "completion_tokens"), tokens_max));
  auto found = job.places.find(number_in(attempt, "step"));
  if (found == job.places.end()) {
    auto plans = text_in(attempt, "purpose") == "plan";
    auto& known_in = plans ? job.plan_in : job.answer_in;
    auto& known_out = plans ? job.plan_out : job.answer_out;
    if (in == 0 || (!fits && known_in != 0)) return;
    known_in = in;
    known_out = std::max(out, 1u);
    return;
  }
  auto& step = job.steps[found->second];
  auto small = text_in(attempt, "tier") == small_tier;
  if (refused) {
    job.refused = true;
    if (small) step.plan.small = planned_step::verdict::wrong;
  }
  if (!fits) return;
  step.done = true;
  if (small && step.plan.small == planned_step::verdict::unknown && job.right)
    step.plan.small = planned_step::verdict::right;
  if (in == 0) return;
  step.sized = true;
  step.plan.prompt_tokens = in;
  step.plan.output_tokens = std::max(out, 1u);
}

/// The steps that were done; of a job that came to none, those of its last plan.
std::shared_ptr<const planned_job> plan_of(const logged_job& job) {
  auto any = std::any_of(job.steps.begin(), job.steps.end(),
                         [](const logged_step& step) { return step.done; });
  std::uint64_t sized = 0, read = 0, written = 0;
  for (const auto& step : job.steps) {
    if (!step.sized) continue;
    ++sized;
    read += step.plan.prompt_tokens;
    written += step.plan.output_tokens;
  }
  auto out = std::make_shared<planned_job>();
  std::map<std::uint64_t, std::uint32_t> places;
  for (const auto& step : job.steps) {
    if (any ? !step.done : step.epoch != job.steps.back().epoch) continue;
    places.emplace(step.id, static_cast<std::uint32_t>(out->steps.size()));
    out->steps.push_back(step.plan);
    auto& made = out->steps.back();
    if (!step.sized && sized != 0) {
      made.prompt_tokens = static_cast<std::uint32_t>(read / sized);
      made.output_tokens = static_cast<std::uint32_t>(written / sized);
    }
    for (auto id : step.needs)
      if (auto need = places.find(id); need != places.end() && id < step.id)
        made.needs.push_back(need->second);
  }
  out->plan_tokens = job.plan_out;
  auto share =
      job.plan_out / static_cast<std::uint32_t>(std::max<std::size_t>(out->steps.size(), 1));
  for (auto& step : out->steps)
    if (job.plan_out != 0)
      step.input_tokens = std::max(share, step_frame_tokens + 1) - step_frame_tokens;
  return out;
}

}  // namespace

bool is_job_row(std::string_view line) {
  auto head = line.substr(0, 4096);
  return head.find("\"submitted_at_ms\"") != head.npos && head.find("\"job\"") != head.npos;
}

row_read read_job_row(simdjson::dom::parser& parser, std::string_view line,
                      std::string_view small_tier, work_item& out, std::string& problem) {
  element row;
  auto wrong = [&problem](std::string why) {
    problem = std::move(why);
    return row_read::wrong;
  };
  if (parser.parse(line.data(), line.size()).get(row) != SUCCESS || !row.is_object())
    return wrong("is no JSON object");
  double at_ms = -1;
  if (row["submitted_at_ms"].get(at_ms) != SUCCESS || !(at_ms >= 0 && at_ms < ms_end))
    return wrong("has no submitted_at_ms, in Unix milliseconds");
  out.at_s = at_ms / 1000;
  out.tenant = text_in(row, "tenant");
  logged_job job;
  std::ignore = row["right"].get(job.right);
  if (auto why = read_steps(row, job); !why.empty()) return wrong(std::move(why));
  simdjson::dom::array attempts;
  if (row["attempts"].get(attempts) != SUCCESS) return wrong("has no list `attempts`");
  for (auto attempt : attempts) read_attempt(attempt, small_tier, job);
  if (!job.has_attempt || (job.steps.empty() && job.answer_in == 0)) return row_read::left_out;
  if (job.steps.empty()) {
    out.input_tokens = bounded_tokens(job.answer_in);
    out.output_tokens = job.answer_out;
    return row_read::ok;
  }
  out.input_tokens = job.plan_in != 0 ? bounded_tokens(job.plan_in) : unknown_goal_tokens;
  out.output_tokens = std::max(job.plan_out, 1u);
  out.verified = job.refused;
  out.job = plan_of(job);
  return row_read::ok;
}

}  // namespace tandem::simulation
