#include "nodes/economics/scenario.hpp"

#include <algorithm>
#include <cmath>

#include "nodes/economics/latency.hpp"

namespace tandem {
namespace {

constexpr double hours_year = 8760;
constexpr double seconds_hour = 3600;

class input_list {
 public:
  void add(std::string name, const sourced_number& number, unsigned groups, std::string measure) {
    all_.push_back({std::move(name), &number, groups, std::move(measure)});
  }

  void add_pool(const pool_inputs& pool, const std::string& which, unsigned group) {
    if (pool.times) {
      add(which + ": ms to the first token", pool.times->first_token_ms, in_times,
          "`tandem calibrate ENGINE`");
      add(which + ": ms a token", pool.times->per_token_ms, in_times, "`tandem calibrate ENGINE`");
    }
    if (pool.is_hosted()) {
      add(which + ": an engine's rate, times", pool.rate_factor,
          group | (group == in_large ? in_large_rate : in_small_rate),
          "`tandem calibrate ENGINE` with your own tokens");
      add(which + ": GPUs an engine", pool.gpus, group, "look at your deployment");
      add(which + ": $ a GPU-hour", pool.gpu_hour_usd, group, "ask for an offer");
      add(which + ": overhead beyond GPUs", pool.overhead, group, "look at last month's bill");
      add(which + ": utilisation", pool.utilisation, group,
          "load one engine until your latency objective breaks");
      add(which + ": spare engines", pool.spares, group | is_choice, "decide");
      return;
    }
    if (pool.usd_per_call) add(which + ": $ a call", *pool.usd_per_call, group, "look at the bill");
    if (pool.input_price)
      add(which + ": $ per million tokens in", *pool.input_price, group, "look at the price list");
    if (pool.output_price)
      add(which + ": $ per million tokens out", *pool.output_price, group,
          "look at the price list");
  }

  void add_load(const workload_inputs& work) {
    add("requests a second", work.qps, in_load, "count them in a log of calls: --log");
    add("busiest minute against the mean", work.peak, in_load,
        "count them in a log of calls: --log");
    add("share of the year that it runs", work.duty, in_load | is_choice, "decide");
    add("tokens in", work.input_tokens, in_tokens, "count them in a log of calls: --log");
    add("tokens out", work.output_tokens, in_tokens, "count them in a log of calls: --log");
    add("share of the input in prefix caches", work.cache_hit, in_tokens,
        "read cached_tokens in the usage of your calls");
  }

  void add_mix(const workload_inputs& work) {
    if (work.shape == job_shape::calls) {
      add("share of calls that need the large model", work.large_share, in_mix,
          "send a day's calls to both models and compare the answers (docs/assess.md)");
      return;
    }
    add("plan calls a job", work.plan_calls, in_mix | in_baseline, "`tandem job ID`");
    add("steps a job", work.steps, in_mix | in_baseline, "`tandem job ID`");
    add("serial steps a job", work.serial_steps, in_mix, "`tandem job ID`");
    add("checks by a model a job", work.checks, in_mix, "`tandem job ID`");
    add("share of plans made anew", work.replan, in_mix, "`tandem jobs`");
    add("share of plans from the cache", work.plan_hits, in_mix, "`tandem cache stats`");
    add("share of steps tried again", work.retry, in_mix, "`tandem jobs`");
    add("share of steps that need the large model", work.escalate, in_mix,
        "run a sample of your jobs and count (docs/assess.md)");
    if (work.baseline_calls.value > 0)
      add("calls a job of the large model alone", work.baseline_calls, in_baseline,
          "count today's calls");
    add("tokens of a plan", work.plan_tokens, in_mix, "`tandem job ID`");
    add("composing calls a job", work.compose_calls, in_mix, "`tandem job ID`");
  }

  void add_quality(const workload_inputs& work) {
    add("right answers of the large model alone", work.right_large, in_quality, "check a sample");
    add("right answers with Tandem", work.right_tandem, in_quality, "check the same sample");
    if (work.knows_right_small)
      add("right answers of the small model alone", work.right_small, in_quality,
          "check the same sample");
  }

  void add_money(const money_inputs& money) {
    add("$ to build it", money.build_usd, in_building, "plan it");
    add("$ a year to run a second stack", money.running_usd_year, in_running, "plan it");
    add("months to build it", money.build_months, in_building, "plan it");
    add("rate of interest", money.discount, in_building | is_choice, "ask who pays");
    add("months that it will run", money.months, in_building | is_choice, "decide");
  }

  std::vector<named_input> take() { return std::move(all_); }

 private:
  std::vector<named_input> all_;
};

std::optional<double> call_ms_of(const pool_inputs& inputs, double input, double output,
                                 const number_reader& read) {
  if (inputs.times) {
    const auto& times = *inputs.times;
    auto batch = times.batch_ms > 0 ? times.batch_ms * read(inputs.utilisation) : 0;
    return read(times.first_token_ms) + times.read_ms * input +
           (read(times.per_token_ms) + batch) * std::max(output - 1, 0.0);
  }
  return inputs.stated_latency_ms;
}

}  // namespace

std::vector<named_input> numbers_of(const assess_inputs& inputs) {
  input_list list;
  list.add_load(inputs.workload);
  list.add_mix(inputs.workload);
  list.add_quality(inputs.workload);
  list.add_pool(inputs.large, "large", in_large);
  list.add_pool(inputs.small, "small", in_small);
  list.add_money(inputs.money);
  return list.take();
}

scenario::pool scenario::make_pool(const pool_inputs& inputs, const workload_inputs& work,
                                   const number_reader& read) {
  pool made;
  auto input = read(work.input_tokens);
  auto output = read(work.output_tokens);
  auto hours = hours_year * read(work.duty);
  made.call_ms = call_ms_of(inputs, input, output, read);
  if (inputs.is_hosted()) {
    auto engine_hour = read(inputs.gpus) * read(inputs.gpu_hour_usd) * (1 + read(inputs.overhead));
    made.rate = inputs.capacity->requests_per_s(input, output, read(work.cache_hit)) *
                read(inputs.rate_factor);
    made.term.engine_rate = made.rate * read(inputs.utilisation);
    made.term.engine_usd_year = engine_hour * hours;
    made.term.spares = read(inputs.spares);
    made.usd_per_1k = 1000 * engine_hour / (seconds_hour * made.term.engine_rate);
    return made;
  }
  if (inputs.usd_per_call)
    made.usd_per_1k = 1000 * read(*inputs.usd_per_call);
  else
    made.usd_per_1k =
        1e-3 * (input * read(*inputs.input_price) + output * read(*inputs.output_price));
  made.term.call_usd_year = made.usd_per_1k / 1000 * seconds_hour * hours;
  return made;
}

void scenario::count_calls(const workload_inputs& work, const number_reader& read) {
  if (work.shape == job_shape::calls) {
    large_calls_ = read(work.large_share);
    small_calls_ = 1 - large_calls_;
    baseline_calls_ = 1;
    return;
  }
  auto plans = read(work.plan_calls) * (1 + read(work.replan));
  auto hits = read(work.plan_hits);
  auto steps = read(work.steps);
  // A plan from the cache is fitted by the small model, which also does the checks.
  large_calls_ = plans * (1 - hits) + steps * read(work.escalate);
  small_calls_ =
      plans * hits + steps * (1 + read(work.retry)) + read(work.checks) + read(work.compose_calls);
  baseline_calls_ = read(work.baseline_calls);
  if (baseline_calls_ <= 0) baseline_calls_ = read(work.plan_calls) + steps;
}

void scenario::add_up(const assess_inputs& inputs, const number_reader& read) {
  const auto& work = inputs.workload;
  auto large = large_.term;
  large.calls = baseline_calls_;
  fleets_.baseline = {large};
  large.calls = large_calls_;
  auto small = small_.term;
  small.calls = small_calls_;
  fleets_.other = {large, small};
  fleets_.peak = read(work.peak);
  fleets_.running_usd_year = read(inputs.money.running_usd_year);
  qps_ = read(work.qps);
  right_large_ = read(work.right_large);
  right_small_ = read(work.right_small);
  right_tandem_ = read(work.right_tandem);
  build_usd_ = read(inputs.money.build_usd);
  build_months_ = read(inputs.money.build_months);
  discount_ = read(inputs.money.discount);
  years_ = read(inputs.money.months) / 12;
}

void scenario::time_it(const assess_inputs& inputs, const number_reader& read) {
  if (!large_.call_ms || !small_.call_ms) return;
  const auto& work = inputs.workload;
  if (work.shape == job_shape::calls) {
    latency_ = large_calls_ * *large_.call_ms + small_calls_ * *small_.call_ms;
    baseline_latency_ = large_.call_ms;
    return;
  }
  auto input = read(work.input_tokens);
  auto first = call_ms_of(inputs.large, input, 1, read).value_or(0);
  auto plan = call_ms_of(inputs.large, input, read(work.plan_tokens), read).value_or(first);
  job_timing timing;
  timing.plan_first_token = first;
  timing.plan_writing = std::max(plan - first, 0.0);
  timing.step = *small_.call_ms;
  timing.serial_steps = read(work.serial_steps);
  timing.composing = read(work.compose_calls) * *small_.call_ms;
  latency_ = job_latency_ms(timing);
  baseline_latency_ = baseline_calls_ * *large_.call_ms;
}

scenario::scenario(const assess_inputs& inputs, const number_reader& read)
    : large_{make_pool(inputs.large, inputs.workload, read)},
      small_{make_pool(inputs.small, inputs.workload, read)} {
  count_calls(inputs.workload, read);
  add_up(inputs, read);
  time_it(inputs, read);
}

double scenario::job_usd() const {
  return (large_calls_ * large_.usd_per_1k + small_calls_ * small_.usd_per_1k) / 1000;
}

double scenario::baseline_usd() const {
  return baseline_calls_ * large_.usd_per_1k / 1000;
}

double scenario::right_small_usd() const {
  return baseline_calls_ * small_.usd_per_1k / 1000 / right_small_;
}

std::optional<double> scenario::payback_months() const {
  auto saving = yearly_saving();
  if (!(saving > 0)) return std::nullopt;
  return build_months_ + 12 * build_usd_ / saving;
}

std::optional<double> scenario::return_on_investment() const {
  if (!(build_usd_ > 0)) return std::nullopt;
  return (years_ * yearly_saving() - build_usd_) / build_usd_;
}

double scenario::net_present_value() const {
  auto value = -build_usd_;
  auto saving = yearly_saving();
  // Part of a last year counts in part.
  for (double year = 1; year < years_ + 1; ++year) {
    auto part = std::min(1.0, years_ - (year - 1));
    if (part > 0) value += part * saving / std::pow(1 + discount_, year);
  }
  return value;
}

}  // namespace tandem
