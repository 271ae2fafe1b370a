#include "nodes/economics/assess_file.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "config/fleet_profile.hpp"
#include "config/strict_table.hpp"
#include "config/words.hpp"
#include "nodes/economics/figures.hpp"
#include "nodes/economics/pool_profile.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t claims_max = 64;
constexpr number_limits share{0, 1};
constexpr number_limits rate{0, 1e9};
constexpr number_limits count{0, 1e6};
constexpr number_limits money{0, 1e15};
constexpr number_limits price{0, 1e9};
constexpr number_limits months_limits{0.01, 1200};
constexpr number_limits percent_limits{-1e6, 1e9};
/// Means of fewer calls say little.
constexpr std::uint64_t calls_few = 1000;
constexpr double steps_per_path = 1.38;
constexpr double tokens_per_step = 25;

constexpr std::string_view default_large = "qwen3-235b-a22b-fp8";
constexpr std::string_view default_small = "qwen3-14b-fp8";

std::optional<double> hundredth(std::optional<double> percent) {
  return percent ? std::optional{*percent / 100} : std::nullopt;
}

std::optional<claimed_range> range_of(std::optional<strict_table::pair> pair, double unit) {
  if (!pair) return std::nullopt;
  return claimed_range{pair->low / unit, pair->high / unit};
}

claim read_claim(strict_table& from) {
  claim made;
  made.who = from.text("who", 128).value_or("the claim");
  made.qps = from.plain("qps", {1e-6, 1e9});
  made.saving = range_of(from.range("saving_percent", {-1e6, 100}), 100);
  made.saving_usd_year = from.plain("saving_usd_year", {-1e15, 1e15});
  made.large_share = range_of(from.range("large_percent", {0, 100}), 100);
  made.throughput_multiple = range_of(from.range("throughput_multiple", {0.001, 1e6}), 1);
  made.latency_gain = range_of(from.range("latency_percent", {0, 100}), 100);
  made.serial_steps = from.plain("serial_steps", {0.01, 1e6});
  made.break_even_qps = from.plain("break_even_qps", {1e-6, 1e9});
  made.payback_months = from.plain("payback_months", months_limits);
  made.roi = hundredth(from.plain("roi_percent", percent_limits));
  made.roi_years = from.plain("roi_years", {0.01, 100});
  from.finish();
  return made;
}

}  // namespace

/// Reads one text over what is there.
class assess_builder::file_reader {
 public:
  file_reader(assess_builder& builder, toml_problems& problems)
      : builder_{builder}, problems_{problems} {}

  caf::error read(strict_table& root) {
    if (auto workload = root.table("workload")) read_workload(*workload);
    for (auto which : {pool_name::large, pool_name::small}) {
      auto section = root.table(which == pool_name::large ? "large" : "small");
      if (!section) continue;
      if (auto err = read_pool(*section, which)) return err;
    }
    if (auto costs = root.table("costs")) read_costs(*costs);
    if (auto limits = root.table("limits")) read_limits(*limits);
    for (auto& item : root.tables("claim", claims_max))
      builder_.request_.claims.push_back(read_claim(item));
    root.finish();
    return {};
  }

 private:
  /// Whether the key is there and right.
  static bool take(strict_table& from, std::string_view key, number_limits limits,
                   sourced_number& into) {
    auto number = from.number(key, limits);
    if (number) into = std::move(*number);
    return number.has_value();
  }

  void read_workload(strict_table& from) {
    auto& work = builder_.request_.inputs.workload;
    if (auto shape = from.choice("shape", {"calls", "jobs"}))
      work.shape = *shape == "jobs" ? job_shape::jobs : job_shape::calls;
    if (take(from, "qps", rate, work.qps)) builder_.has_qps_ = true;
    take(from, "peak", {1, 1e6}, work.peak);
    take(from, "duty", {1e-6, 1}, work.duty);
    auto has_input = take(from, "input_tokens", count, work.input_tokens);
    auto has_output = take(from, "output_tokens", count, work.output_tokens);
    if (has_input && has_output) builder_.has_tokens_ = true;
    take(from, "cache_hit", share, work.cache_hit);
    take(from, "right_large", {1e-6, 1}, work.right_large);
    take(from, "right_tandem", {1e-6, 1}, work.right_tandem);
    if (take(from, "right_small", {1e-6, 1}, work.right_small)) work.knows_right_small = true;
    if (work.shape == job_shape::jobs)
      read_jobs(from, work);
    else
      read_calls(from, work);
    from.finish();
  }

  static void read_calls(strict_table& from, workload_inputs& work) {
    take(from, "large_share", share, work.large_share);
    for (auto key : {"plan_calls", "steps", "serial_steps", "checks", "replan", "plan_hits",
                     "retry", "escalate", "baseline_calls", "plan_tokens", "compose_calls"}) {
      if (from.node(key) != nullptr)
        from.problem(key, std::string{key} + " belongs to shape = \"jobs\"");
    }
  }

  static void read_jobs(strict_table& from, workload_inputs& work) {
    take(from, "plan_calls", count, work.plan_calls);
    if (take(from, "steps", count, work.steps)) {
      const auto& steps = work.steps;
      work.serial_steps = {steps.value / steps_per_path, std::min(1.0, steps.low), steps.high,
                           number_kind::assumed,
                           "799 real plans take 1.38 times as long one step by one"};
      work.serial_steps.low = std::min(work.serial_steps.low, work.serial_steps.value);
      work.plan_tokens = sourced_number::exact(tokens_per_step * steps.value, number_kind::assumed,
                                               "25 tokens a step");
    }
    take(from, "serial_steps", count, work.serial_steps);
    take(from, "plan_tokens", count, work.plan_tokens);
    take(from, "checks", count, work.checks);
    take(from, "replan", count, work.replan);
    take(from, "plan_hits", share, work.plan_hits);
    take(from, "retry", count, work.retry);
    take(from, "escalate", share, work.escalate);
    take(from, "baseline_calls", count, work.baseline_calls);
    take(from, "compose_calls", count, work.compose_calls);
    if (from.node("large_share") != nullptr)
      from.problem("large_share",
                   "large_share belongs to shape = \"calls\"; of jobs it follows "
                   "from plan_calls, steps and escalate");
  }

  caf::error read_pool(strict_table& from, pool_name which) {
    auto& pool = builder_.pool(which);
    if (auto profile = from.text("profile", 512)) {
      if (auto err = builder_.use_profile(which, *profile)) {
        from.problem("profile", message_of(err));
        return {};
      }
    }
    if (auto name = from.text("name", 128)) pool.name = *name;
    take(from, "gpus", {1, 1e5}, pool.gpus);
    if (take(from, "gpu_hour_usd", {1e-9, 1e9}, pool.gpu_hour_usd))
      pool.stated_gpu_hour_usd = pool.gpu_hour_usd.value;
    if (take(from, "overhead", {0, 100}, pool.overhead)) pool.sets_overhead = true;
    if (take(from, "utilisation", {0.01, 1}, pool.utilisation)) pool.sets_utilisation = true;
    take(from, "spares", count, pool.spares);
    if (auto latency = from.plain("latency_ms", {1e-3, 1e9})) pool.stated_latency_ms = latency;
    read_rate(from, pool, which);
    read_times(from, pool);
    read_prices(from, pool, which);
    from.finish();
    return {};
  }

  void read_rate(strict_table& from, pool_inputs& pool, pool_name which) {
    auto per_s = from.number("requests_per_s", {1e-6, 1e9});
    if (!per_s) return;
    pool.stated_requests_per_s = per_s->value;
    pool.capacity.emplace(std::vector<capacity_point>{{*per_s, std::nullopt, std::nullopt}});
    builder_.has_pool_[static_cast<int>(which)] = true;
  }

  static void read_times(strict_table& from, pool_inputs& pool) {
    auto first = from.number("first_token_ms", {0, 1e9});
    auto each = from.number("per_token_ms", {0, 1e9});
    if (first.has_value() != each.has_value()) {
      from.problem(first ? "first_token_ms" : "per_token_ms",
                   "first_token_ms and per_token_ms belong together");
      return;
    }
    if (first) pool.times = call_times{*first, *each, 0, 0};
  }

  void read_prices(strict_table& from, pool_inputs& pool, pool_name which) {
    auto per_1k = from.number("usd_per_1k", {1e-9, 1e9});
    auto input = from.number("input_price", price);
    auto output = from.number("output_price", price);
    if (input.has_value() != output.has_value())
      from.problem(input ? "input_price" : "output_price",
                   "input_price and output_price, in $ per million tokens, belong together");
    if (input && output) builder_.use_prices(which, *input, *output);
    if (!per_1k) return;
    pool.stated_usd_per_1k = per_1k->value;
    if (pool.capacity) return;
    // Without an engine it is what each call is billed.
    auto per_call = *per_1k;
    per_call.value /= 1000;
    per_call.low /= 1000;
    per_call.high /= 1000;
    pool.usd_per_call = per_call;
    builder_.has_pool_[static_cast<int>(which)] = true;
  }

  void read_costs(strict_table& from) {
    auto& costs = builder_.request_.inputs.money;
    take(from, "build_usd", money, costs.build_usd);
    take(from, "running_usd_year", money, costs.running_usd_year);
    take(from, "build_months", {0, 1200}, costs.build_months);
    take(from, "discount", {0, 10}, costs.discount);
    take(from, "months", months_limits, costs.months);
    from.finish();
  }

  void read_limits(strict_table& from) {
    auto& limits = builder_.request_.inputs.limits;
    if (auto latency = from.plain("latency_ms", {1e-3, 1e9})) limits.latency_ms = latency;
    if (auto flag = from.flag("extreme_consistency")) limits.needs_extreme_consistency = *flag;
    if (auto flag = from.flag("room_for_complexity")) limits.has_room_for_complexity = *flag;
    from.finish();
  }

  assess_builder& builder_;
  toml_problems& problems_;
};

assess_builder::assess_builder(std::filesystem::path fleets) : fleets_{std::move(fleets)} {
  request_.inputs = default_inputs();
}

pool_inputs& assess_builder::pool(pool_name name) {
  return name == pool_name::large ? request_.inputs.large : request_.inputs.small;
}

void assess_builder::use_log(const model_traffic& traffic, const std::string& source) {
  auto& work = request_.inputs.workload;
  auto from_log = "the log " + source;
  auto measured = [&](double value) {
    return sourced_number::exact(value, number_kind::measured, from_log);
  };
  work.input_tokens = measured(traffic.mean_input());
  work.output_tokens = measured(traffic.mean_output());
  has_tokens_ = true;
  if (traffic.input_tokens > 0)
    work.cache_hit = measured(traffic.cached_tokens / traffic.input_tokens);
  if (traffic.calls < calls_few)
    request_.notes.push_back("the log has only " + std::to_string(traffic.calls) +
                             " calls; a day's would say more");
  if (auto qps = traffic.qps()) {
    use_qps(measured(*qps));
    if (traffic.span_s() < 86400)
      request_.notes.push_back("the log covers " + figure(traffic.span_s() / 3600) +
                               " hours; a year is taken to go on like that (duty, peak)");
  } else {
    request_.notes.push_back("the log has no times over at least a minute, and so no rate");
  }
  if (auto peak = traffic.peak()) {
    work.peak = measured(*peak);
    // What was left for busy minutes is counted by the peak now.
    for (auto* pool : {&request_.inputs.large, &request_.inputs.small})
      pool->utilisation = sourced_number::between(
          0.6, 0.8, 0.95, "measured rates have no latency objective; peaks are counted apart");
  }
  if (auto each = traffic.mean_usd()) {
    auto& large = request_.inputs.large;
    large.name = traffic.model;
    large.usd_per_call = measured(*each);
    has_pool_[0] = true;
  }
}

caf::error assess_builder::use_text(std::string_view text, const std::string& source) {
  auto parsed = parse_toml(text, source);
  if (!parsed) return parsed.error();
  toml_problems problems{source};
  strict_table root{*parsed, "", problems};
  if (auto err = file_reader{*this, problems}.read(root)) return err;
  if (!problems.empty()) return problems.error();
  return {};
}

caf::error assess_builder::use_profile(pool_name name, std::string_view which) {
  auto profile = find_fleet_profile(which, fleets_);
  if (!profile) return profile.error();
  if (profile->throughput.empty())
    return make_error(errc::invalid_argument,
                      "the profile " + quote_word(which) + " has no [[profile.throughput]]");
  auto& into = pool(name);
  into.usd_per_call.reset();
  into.input_price.reset();
  into.output_price.reset();
  apply_profile(into, *profile);
  has_pool_[static_cast<int>(name)] = true;
  return {};
}

void assess_builder::use_prices(pool_name name, sourced_number input, sourced_number output) {
  auto& into = pool(name);
  into.capacity.reset();
  into.usd_per_call.reset();
  into.input_price = std::move(input);
  into.output_price = std::move(output);
  has_pool_[static_cast<int>(name)] = true;
}

void assess_builder::use_qps(sourced_number qps) {
  request_.inputs.workload.qps = std::move(qps);
  has_qps_ = true;
}

void assess_builder::use_tokens(double input, double output) {
  auto& work = request_.inputs.workload;
  work.input_tokens = sourced_number::exact(input, number_kind::assumed, "as said");
  work.output_tokens = sourced_number::exact(output, number_kind::assumed, "as said");
  has_tokens_ = true;
}

caf::error assess_builder::use_large_share(sourced_number share) {
  auto& work = request_.inputs.workload;
  if (work.shape != job_shape::calls)
    return make_error(errc::invalid_argument,
                      "a share of large calls is for shape = \"calls\"; of jobs it follows from "
                      "plan_calls, steps and escalate");
  work.large_share = std::move(share);
  return {};
}

caf::expected<assess_request> assess_builder::finish() {
  if (!has_qps_)
    return make_error(errc::invalid_argument,
                      "how many requests a second is not known; say qps in [workload], --qps, or "
                      "--log with a log of calls that has times");
  const auto& work = request_.inputs.workload;
  if (work.input_tokens.value + work.output_tokens.value <= 0)
    return make_error(errc::invalid_argument,
                      "a call has no tokens, neither in nor out; say how many it has");
  constexpr std::array defaults{std::pair{pool_name::large, default_large},
                                std::pair{pool_name::small, default_small}};
  for (const auto& [name, profile] : defaults) {
    if (has_pool_[static_cast<int>(name)]) continue;
    if (auto err = use_profile(name, profile)) return err;
    auto which = std::string{name == pool_name::large ? "large" : "small"};
    request_.notes.push_back("nobody said what the " + which + " model is: taken to be " +
                             std::string{profile} + " on engines of your own; say --" + which +
                             " PROFILE or --" + which + "-price IN,OUT");
  }
  if (!has_tokens_)
    request_.notes.push_back(
        "nobody said how many tokens a call has: taken to be ShareGPT's mean, " +
        figure(work.input_tokens.value) + " in and " + figure(work.output_tokens.value) + " out");
  complete_inputs(request_.inputs);
  return request_;
}

caf::expected<model_traffic> choose_model(const log_summary& log, std::string_view named) {
  auto models = log.models();
  std::string all;
  for (const auto& traffic : models) {
    if (named.empty() || traffic.model == named) return traffic;
    all += (all.empty() ? "" : ", ") + quote_word(traffic.model);
  }
  return make_error(errc::not_found,
                    "the log has no model " + quote_word(named) + "; it has " + all);
}

}  // namespace tandem
