#include "nodes/simulate/run_account.hpp"

#include <algorithm>

#include "actors/clock.hpp"
#include "actors/job/job_state.hpp"
#include "schema/text.hpp"

namespace tandem::simulation {
namespace {

constexpr double us_per_s = 1e6;
constexpr double nanousd_per_usd = 1e9;
/// How a right answer of a simulated engine begins; see work_text.hpp.
constexpr std::string_view right_begins = "sim:";
constexpr std::size_t why_bytes_max = 120;
constexpr std::size_t whys_max = 32;

/// The share of an engine's time that is not idle, and how many calls it had then.
struct spell_sums {
  double busy_s = 0;
  double work_s = 0;
};

spell_sums sum_of(std::vector<std::pair<double, double>>& spells) {
  std::sort(spells.begin(), spells.end());
  spell_sums out;
  double until = -1;
  for (auto [from, to] : spells) {
    out.work_s += to - from;
    auto begin = std::max<double>(from, until);
    if (to > begin) out.busy_s += to - begin;
    until = std::max<double>(until, to);
  }
  return out;
}

}  // namespace

void durations::sort() {
  std::sort(values_.begin(), values_.end());
}

double durations::mean() const {
  double sum = 0;
  for (auto value : values_) sum += value;
  return values_.empty() ? 0 : sum / static_cast<double>(values_.size());
}

double durations::quantile(double share) const {
  if (values_.empty()) return 0;
  auto place = static_cast<std::size_t>(share * static_cast<double>(values_.size()));
  return values_[std::min(place, values_.size() - 1)];
}

double durations::within(double seconds) const {
  if (values_.empty()) return 1;
  auto end = std::upper_bound(values_.begin(), values_.end(), static_cast<float>(seconds));
  return static_cast<double>(end - values_.begin()) / static_cast<double>(values_.size());
}

run_account::run_account(const run_options& options) : options_{options} {
  for (const auto& model : options.config.models) result_.models[model.name].tier = model.tier;
  for (const auto& engine : options.config.engines) {
    ++result_.models[engine.model].engines;
    engines_[engine.name].model = engine.model;
  }
}

double run_account::now_s() const {
  return std::chrono::duration<double>(steady_now() - begin_).count();
}

void run_account::add_usage(schema::Usage::Reader usage) {
  result_.cost_usd += static_cast<double>(usage.getCostNanousd()) / nanousd_per_usd;
  result_.all_large_usd += static_cast<double>(usage.getCostAllLargeNanousd()) / nanousd_per_usd;
  result_.cache_saved_usd += static_cast<double>(usage.getSavedNanousd()) / nanousd_per_usd;
}

void run_account::add_model_call(std::string_view engine, std::string_view model,
                                 schema::Usage::Reader usage, std::uint64_t queue_us,
                                 std::uint64_t total_us, double end_s) {
  if (usage.getCalls() == 0 || model.empty()) return;
  auto& use = result_.models[std::string{model}];
  result_.model_calls += usage.getCalls();
  use.calls += usage.getCalls();
  use.prompt_tokens += usage.getPromptTokens();
  use.cached_prompt_tokens += usage.getCachedPromptTokens();
  use.completion_tokens += usage.getCompletionTokens();
  use.cost_usd += static_cast<double>(usage.getCostNanousd()) / nanousd_per_usd;
  result_.queue_s.add(static_cast<double>(queue_us) / us_per_s);
  auto works = static_cast<double>(total_us - std::min(queue_us, total_us)) / us_per_s;
  engines_[std::string{engine}].spells.emplace_back(std::max(end_s - works, 0.0), end_s);
}

void run_account::note_arrival(double sent_s, double end_s) {
  if (first_s_ < 0) first_s_ = sent_s;
  last_s_ = std::max(last_s_, sent_s);
  end_s_ = std::max(end_s_, end_s);
}

void run_account::on_failure(std::string_view why, bool of_job) {
  ++(of_job ? result_.jobs : result_.calls);
  ++result_.failed;
  std::string text{cut(why, why_bytes_max)};
  if (result_.failures.size() >= whys_max && result_.failures.count(text) == 0) text = "others";
  ++result_.failures[text];
}

void run_account::on_call(schema::AttemptResult::Reader result, double sent_s, double now_s) {
  note_arrival(sent_s, now_s);
  auto usage = result.getUsage();
  add_usage(usage);
  auto level = result.getCache().getLevel();
  if (level == 0)
    add_model_call(view(result.getEngine()), view(result.getModel()), usage, result.getQueueUs(),
                   result.getTotalUs(), now_s);
  if (result.getError().getCode() != schema::Errc::UNKNOWN)
    return on_failure(view(result.getError().getMessage()), false);
  ++result_.cache_hits[std::min<std::uint8_t>(level, 2)];
  ++result_.calls;
  ++result_.done;
  if (view(result.getText()).starts_with(right_begins)) ++result_.right;
  auto total = now_s - sent_s;
  // What came before the engine began counts too: other tries, and waiting in the pool.
  auto at_engine = static_cast<double>(result.getTotalUs()) / us_per_s;
  auto first = level != 0 ? total
                          : std::max(0.0, total - at_engine) +
                                static_cast<double>(result.getFirstTokenUs()) / us_per_s;
  result_.first_token_s.add(first);
  result_.call_s.add(total);
  if (first <= options_.first_token_slo_s) ++result_.in_time;
}

void run_account::on_write(const journal_write& write) {
  auto found = jobs_.find(write.job);
  if (found == jobs_.end()) return;
  for (const auto& record : write.records) {
    auto reader = record.read();
    auto attempt = attempt_of(*reader);
    if (!attempt) continue;
    auto level = attempt->getCache().getLevel();
    if (level == 0)
      add_model_call(view(attempt->getEngine()), view(attempt->getModel()), attempt->getUsage(),
                     attempt->getQueueUs(), attempt->getTotalUs(), now_s());
    if (!reader->isAttemptFailed()) ++result_.cache_hits[std::min<std::uint8_t>(level, 2)];
    if (reader->isStepDone() && !view(reader->getStepDone().getResult()).starts_with(right_begins))
      found->second.wrong = true;
  }
}

void run_account::on_job(std::uint64_t number, schema::JobSummary::Reader summary, double sent_s,
                         double now_s) {
  note_arrival(sent_s, now_s);
  add_usage(summary.getUsage());
  auto found = jobs_.find(number);
  auto wrong = found != jobs_.end() && found->second.wrong;
  if (found != jobs_.end()) jobs_.erase(found);
  if (summary.getState() != schema::JobState::DONE)
    return on_failure(view(summary.getReason()), true);
  ++result_.jobs;
  ++result_.done;
  if (!wrong) ++result_.right;
  result_.job_s.add(now_s - sent_s);
  if (now_s - sent_s <= options_.job_slo_s) ++result_.in_time;
}

run_result run_account::finish() {
  for (auto* each : {&result_.first_token_s, &result_.call_s, &result_.job_s, &result_.queue_s})
    each->sort();
  result_.load_s = std::max(last_s_ - first_s_, 0.0);
  result_.span_s = std::max(end_s_ - std::max(first_s_, 0.0), 0.0);
  std::map<std::string, spell_sums> sums;
  for (auto& [name, engine] : engines_) {
    auto sum = sum_of(engine.spells);
    sums[engine.model].busy_s += sum.busy_s;
    sums[engine.model].work_s += sum.work_s;
  }
  for (auto& [name, use] : result_.models) {
    const auto& sum = sums[name];
    if (use.engines != 0 && result_.span_s > 0)
      use.busy = std::min(sum.busy_s / (use.engines * result_.span_s), 1.0);
    use.batch = sum.busy_s > 0 ? sum.work_s / sum.busy_s : 0;
  }
  return std::move(result_);
}

}  // namespace tandem::simulation
