// Real plans in virtual time: one step after another behind a whole plan; steps that begin while
// the plan is written; and steps that run at once where the plan allows it.

#include <algorithm>
#include <fstream>
#include <map>

#include <simdjson.h>

#include "nodes/simulate/simulation.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"

namespace tandem::bench {
namespace {

using namespace std::chrono_literals;

constexpr double step_s = 1;
constexpr std::size_t step_tokens = 25;
constexpr double tokens_per_s = 40;

struct real_plan {
  /// Of each step, in topological order: earlier ones that it needs.
  std::vector<std::vector<std::uint32_t>> needs;
};

std::vector<real_plan> read_plans(const std::filesystem::path& data, bool& full) {
  auto file = data / "asynchow" / "plans.jsonl";
  full = !data.empty() && std::filesystem::exists(file);
  if (!full) file = TANDEM_SOURCE_DIR "/tests/data/asynchow/plans.jsonl";
  std::ifstream in{file};
  if (!in) give_up(file, "cannot be read");
  simdjson::dom::parser parser;
  std::vector<real_plan> out;
  for (std::string line; std::getline(in, line);) {
    auto plan = parser.parse(line);
    std::vector<std::string> names;
    for (auto step : plan["steps"].get_array()) names.emplace_back(step["id"].get_string().value());
    std::map<std::string, std::vector<std::string>> before;
    for (auto edge : plan["edges"].get_array())
      before[std::string{edge.at(1).get_string().value()}].emplace_back(
          edge.at(0).get_string().value());
    std::map<std::string, std::uint32_t> placed;
    real_plan next;
    for (bool moved = true; moved && placed.size() < names.size();) {
      moved = false;
      for (const auto& name : names) {
        if (placed.count(name) != 0) continue;
        std::vector<std::uint32_t> needs;
        for (const auto& other : before[name])
          if (auto found = placed.find(other); found != placed.end())
            needs.push_back(found->second);
        if (needs.size() != before[name].size()) continue;
        placed.emplace(name, static_cast<std::uint32_t>(placed.size()));
        next.needs.push_back(std::move(needs));
        moved = true;
      }
    }
    if (placed.size() == names.size()) out.push_back(std::move(next));
  }
  return out;
}

/// The plan's text: each step as long as 25 tokens.
std::string plan_text(const real_plan& plan, bool in_turn) {
  std::string out = R"({"steps":[)";
  for (std::size_t i = 0; i < plan.needs.size(); ++i) {
    std::string needs;
    if (in_turn && i != 0) needs = std::to_string(i);
    if (!in_turn)
      for (auto need : plan.needs[i])
        needs += (needs.empty() ? "" : ",") + std::to_string(need + 1);
    auto step = (i == 0 ? "" : ",") + (R"({"id":)" + std::to_string(i + 1)) + R"(,"depends_on":[)" +
                needs + R"(],"prompt":")";
    const std::string wish = R"(@sim {\"ms\":1000}"})";
    auto size = step.size() + wish.size();
    if (size < step_tokens * 4) step.append(step_tokens * 4 - size, '.');
    out += step + wish;
  }
  return out + "]}";
}

std::string quoted_json(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// Jobs one by one, each with the plan that its goal brings.
class plan_jobs : public simulation::work_source {
 public:
  plan_jobs(const std::vector<real_plan>& plans, bool streamed, bool in_turn)
      : plans_{plans}, streamed_{streamed}, in_turn_{in_turn} {}

  caf::expected<bool> next(simulation::work_item& out) override {
    if (at_ == plans_.size()) return false;
    out = {};
    // One after the other: no job waits for another one.
    out.at_s = static_cast<double>(at_) * 200;
    auto text = plan_text(plans_[at_], in_turn_);
    auto tokens = static_cast<double>((text.size() + 3) / 4);
    out.goal = "@sim {\"reply\":\"" + quoted_json(text) + "\"";
    // All of it at the end, in the same time.
    if (!streamed_) out.goal += ",\"ms\":" + std::to_string(1000 * tokens / tokens_per_s);
    out.goal += "}";
    ++at_;
    return true;
  }
  void rewind() override { at_ = 0; }

 private:
  const std::vector<real_plan>& plans_;
  bool streamed_;
  bool in_turn_;
  std::size_t at_ = 0;
};

simulation::run_options planner_and_actors() {
  simulation::run_options out;
  auto& config = out.config;
  config.name = "claims";
  config.models = {{.name = "planner", .tier = "large", .input_price = 10, .output_price = 10},
                   {.name = "actor", .tier = "small", .input_price = 1, .output_price = 1}};
  config.routing.policy = "fixed";
  config.routing.plan_model = "planner";
  config.routing.step_model = "actor";
  config.executor.hedging.share = 0;
  engine_config planner{.name = "planner-0", .kind = "sim", .model = "planner", .concurrency = 64};
  planner.sim.per_token = std::chrono::microseconds{static_cast<long>(1e6 / tokens_per_s)};
  engine_config actor{.name = "actor-0", .kind = "sim", .model = "actor", .concurrency = 1024};
  config.engines = {planner, actor};
  out.sync = 300us;
  return out;
}

simulation::durations times_of(const std::vector<real_plan>& plans, bool streamed, bool in_turn) {
  plan_jobs work{plans, streamed, in_turn};
  auto result = simulation::run(planner_and_actors(), work);
  if (!result) give_up(message_of(result.error()));
  if (result->failed != 0) give_up("plans failed: " + result->failures.begin()->first);
  return result->job_s;
}

}  // namespace

void measure_latency(const claim_options& options, claim_results& out) {
  bool full = false;
  auto plans = read_plans(options.data, full);
  if (options.quick) plans.resize(std::min<std::size_t>(plans.size(), 80));
  auto behind = times_of(plans, false, true);
  auto streamed = times_of(plans, true, true);
  auto parallel = times_of(plans, false, false);
  auto both = times_of(plans, true, false);
  auto condition =
      std::to_string(plans.size()) + (full ? "" : " sampled") +
      " real plans (AsyncHow), 40 tokens/s, 25 tokens and 1 s a step, through the planner and jobs "
      "of a node in virtual time; mean time of a job against the whole plan first and one step "
      "after another";
  auto add = [&](const char* figure, const simulation::durations& time, const char* what,
                 const char* bar) {
    auto gain = 1 - time.mean() / behind.mean();
    out.claims.push_back({.said = "latency 30 to 50% lower",
                          .condition = std::string{what} + ": " + condition,
                          .figure = figure,
                          .measured = gain,
                          .low = gain,
                          .high = gain,
                          .goal = bar == nullptr ? 0 : goal("claims", bar),
                          .shown = bar == nullptr});
  };
  add("shorter_streamed", streamed, "streamed plans", "shorter_streamed_min");
  add("shorter_parallel", parallel, "parallel steps alone", nullptr);
  add("shorter_both", both, "streamed plans and parallel steps", "shorter_both_min");
  panel share{.title = "Real plans, to their end", .x_label = "s", .y_label = "share of jobs, %"};
  for (const auto& [name, of] :
       {std::pair{"plan first, step by step", &behind}, std::pair{"streamed plans", &streamed},
        std::pair{"parallel steps", &parallel}, std::pair{"both", &both}}) {
    line curve{.name = name};
    for (int percent = 1; percent < 100; ++percent) {
      curve.x.push_back(of->quantile(percent / 100.0));
      curve.y.push_back(percent);
    }
    share.lines.push_back(std::move(curve));
  }
  share.y_from_zero = true;
  out.plots.push_back({"latency.svg",
                       "How long real plans take, by how they are carried out.",
                       {"Latency of plan/act jobs", {std::move(share)}}});
}

}  // namespace tandem::bench
