#include "nodes/economics/assessment.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "nodes/economics/verdict.hpp"

namespace tandem {
namespace {

constexpr unsigned prices = in_large | in_small | in_tokens;
constexpr unsigned request = prices | in_mix | in_baseline;
constexpr unsigned baseline = in_large | in_tokens | in_baseline;
constexpr unsigned yearly = request | in_load;
constexpr std::size_t deciding_max = 5;
/// Of the largest; what moves less does not decide.
constexpr double swing_min = 0.02;

using output = std::optional<double> (*)(const scenario&);

struct output_spec {
  std::string_view name;
  std::string_view title;
  figure_unit unit;
  unsigned groups;
  output of;
};

std::optional<double> engines_of(const scenario& s, const std::vector<fleet_term>& fleet,
                                 std::size_t pool) {
  if (fleet[pool].engine_rate <= 0) return std::nullopt;
  return s.fleets().engines(fleet[pool], s.qps());
}

std::optional<double> rate_of(double rate) {
  return rate > 0 ? std::optional{rate} : std::nullopt;
}

constexpr std::array outputs{
    output_spec{"large_requests_per_s", "requests/s of a large engine", figure_unit::per_second,
                in_large_rate, [](const scenario& s) { return rate_of(s.large_rate()); }},
    output_spec{"small_requests_per_s", "requests/s of a small engine", figure_unit::per_second,
                in_small_rate, [](const scenario& s) { return rate_of(s.small_rate()); }},
    output_spec{"large_usd_per_1k", "1,000 calls, large", figure_unit::usd, in_large | in_tokens,
                [](const scenario& s) { return std::optional{s.large_usd_per_1k()}; }},
    output_spec{"small_usd_per_1k", "1,000 calls, small", figure_unit::usd, in_small | in_tokens,
                [](const scenario& s) { return std::optional{s.small_usd_per_1k()}; }},
    output_spec{"baseline_usd_per_1k", "1,000 requests, all large", figure_unit::usd, baseline,
                [](const scenario& s) { return std::optional{1000 * s.baseline_usd()}; }},
    output_spec{"tandem_usd_per_1k", "1,000 requests, Tandem", figure_unit::usd, prices | in_mix,
                [](const scenario& s) { return std::optional{1000 * s.job_usd()}; }},
    output_spec{"saving_share", "saved, before whole engines and running", figure_unit::share,
                request, [](const scenario& s) { return std::optional{s.saving_share()}; }},
    output_spec{"baseline_usd_per_1k_right", "1,000 right answers, all large", figure_unit::usd,
                baseline | in_quality,
                [](const scenario& s) { return std::optional{1000 * s.right_baseline_usd()}; }},
    output_spec{"tandem_usd_per_1k_right", "1,000 right answers, Tandem", figure_unit::usd,
                prices | in_mix | in_quality,
                [](const scenario& s) { return std::optional{1000 * s.right_job_usd()}; }},
    output_spec{"baseline_latency_ms", "a request takes, all large", figure_unit::ms,
                baseline | in_times, [](const scenario& s) { return s.baseline_latency_ms(); }},
    output_spec{"tandem_latency_ms", "a request takes, Tandem", figure_unit::ms,
                prices | in_mix | in_times, [](const scenario& s) { return s.latency_ms(); }},
    output_spec{"baseline_engines", "large engines, all large", figure_unit::count,
                baseline | in_load,
                [](const scenario& s) { return engines_of(s, s.fleets().baseline, 0); }},
    output_spec{"tandem_large_engines", "large engines, Tandem", figure_unit::count, yearly,
                [](const scenario& s) { return engines_of(s, s.fleets().other, 0); }},
    output_spec{"tandem_small_engines", "small engines, Tandem", figure_unit::count, yearly,
                [](const scenario& s) { return engines_of(s, s.fleets().other, 1); }},
    output_spec{"baseline_usd_year", "a year, all large", figure_unit::usd_year, baseline | in_load,
                [](const scenario& s) {
                  return std::optional{s.fleets().yearly_usd(s.fleets().baseline, s.qps())};
                }},
    output_spec{"tandem_usd_year", "a year, Tandem, running it included", figure_unit::usd_year,
                yearly | in_running,
                [](const scenario& s) {
                  return std::optional{s.fleets().yearly_usd(s.fleets().other, s.qps()) +
                                       s.fleets().running_usd_year};
                }},
    output_spec{"yearly_saving_usd", "saved a year", figure_unit::usd_year, yearly | in_running,
                [](const scenario& s) { return std::optional{s.yearly_saving()}; }},
    output_spec{"break_even_qps", "break-even, requests/s", figure_unit::per_second,
                yearly | in_running,
                [](const scenario& s) -> std::optional<double> {
                  auto found = find_break_even(s.fleets());
                  if (!found) return std::nullopt;
                  return found->qps;
                }},
    output_spec{"payback_months", "paid back after, building included", figure_unit::months,
                yearly | in_running | in_building,
                [](const scenario& s) { return s.payback_months(); }},
    output_spec{"roi", "return on the investment", figure_unit::share,
                yearly | in_running | in_building,
                [](const scenario& s) { return s.return_on_investment(); }},
    output_spec{"net_present_value_usd", "net present value", figure_unit::usd_year,
                yearly | in_running | in_building,
                [](const scenario& s) { return std::optional{s.net_present_value()}; }},
};

double as_it_is(const sourced_number& number) {
  return number.value;
}

/// One number of the inputs at another value, wherever it occurs: a GPU-hour may cost the same in
/// both pools.
double worth(const assess_inputs& inputs, const sourced_number& changed, double value) {
  return scenario{inputs,
                  [&changed, value](const sourced_number& n) {
                    return is_same_number(n, changed) ? value : n.value;
                  }}
      .net_present_value();
}

std::optional<double> find_turning(const assess_inputs& inputs, const deciding_input& input,
                                   const sourced_number& number) {
  if ((input.worth_at_low > 0) == (input.worth_at_high > 0)) return std::nullopt;
  auto low = input.low;
  auto high = input.high;
  for (int i = 0; i < 60; ++i) {
    auto middle = (low + high) / 2;
    if ((worth(inputs, number, middle) > 0) == (input.worth_at_low > 0))
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

std::vector<deciding_input> find_deciding(const assess_inputs& inputs) {
  std::vector<deciding_input> all;
  std::vector<const sourced_number*> seen;
  for (const auto& named : numbers_of(inputs)) {
    const auto& number = *named.number;
    if (!number.has_range() || (named.groups & is_choice) != 0) continue;
    auto same = std::find_if(seen.begin(), seen.end(),
                             [&](const auto* n) { return is_same_number(*n, number); });
    if (same != seen.end()) {
      // The first of the two has the name of its pool in front.
      auto& first = all[static_cast<std::size_t>(same - seen.begin())].name;
      if (first.starts_with("large: ")) first = "both: " + first.substr(7);
      continue;
    }
    seen.push_back(&number);
    deciding_input input{.name = named.name,
                         .measure = named.measure,
                         .value = number.value,
                         .low = number.low,
                         .high = number.high,
                         .kind = number.kind};
    input.worth_at_low = worth(inputs, number, number.low);
    input.worth_at_high = worth(inputs, number, number.high);
    input.turning = find_turning(inputs, input, number);
    all.push_back(std::move(input));
  }
  auto swing = [](const deciding_input& i) { return std::abs(i.worth_at_high - i.worth_at_low); };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    if (a.turning.has_value() != b.turning.has_value()) return a.turning.has_value();
    return swing(a) > swing(b);
  });
  double most = 0;
  for (const auto& input : all) most = std::max(most, swing(input));
  std::erase_if(all, [&](const auto& input) { return swing(input) <= swing_min * most; });
  if (all.size() > deciding_max) all.resize(deciding_max);
  return all;
}

number_kind worst_of(const std::vector<named_input>& numbers, unsigned groups) {
  auto worst = number_kind::measured;
  for (const auto& named : numbers) {
    if ((named.groups & groups) != 0 && (named.groups & is_choice) == 0)
      worst = std::max(worst, named.number->kind);
  }
  return worst;
}

bool has_range(const std::vector<named_input>& numbers, unsigned groups) {
  return std::any_of(numbers.begin(), numbers.end(), [groups](const named_input& named) {
    return (named.groups & groups) != 0 && named.number->has_range();
  });
}

stated_engine stated(const pool_inputs& pool) {
  stated_engine engine;
  engine.name = pool.name;
  engine.requests_per_s = pool.stated_requests_per_s;
  engine.latency_ms = pool.stated_latency_ms;
  engine.usd_per_1k = pool.stated_usd_per_1k;
  if (pool.is_hosted()) engine.gpus = pool.gpus.value;
  engine.gpu_hour_usd = pool.stated_gpu_hour_usd;
  return engine;
}

std::vector<finding> find_contradictions(const assess_inputs& inputs, const scenario& now,
                                         std::span<const claim> claims) {
  claim_context context;
  context.large = stated(inputs.large);
  context.small = stated(inputs.small);
  context.large_usd_per_1k = now.large_usd_per_1k();
  context.small_usd_per_1k = now.small_usd_per_1k();
  context.large_ms = now.large_call_ms();
  context.small_ms = now.small_call_ms();
  // A stated price is the bill, whatever engines it takes.
  context.all_large_usd_year = [&](double qps) {
    if (inputs.large.stated_usd_per_1k)
      return *inputs.large.stated_usd_per_1k * qps * 3.6 * 8760 * now.baseline_calls();
    return now.fleets().yearly_usd(now.fleets().baseline, qps);
  };
  return check_claims(context, claims);
}

void estimate_all(assessment& into, const assess_inputs& inputs, const scenario& now,
                  const assess_options& options) {
  auto numbers = numbers_of(inputs);
  std::array<std::vector<double>, outputs.size()> drawn;
  range_sampler sampler{options.seed};
  std::vector<double> worths;
  for (std::size_t draw = 0; draw < std::max<std::size_t>(options.draws, 1); ++draw) {
    sampler.next_draw();
    scenario then{inputs, [&](const sourced_number& n) { return sampler(n); }};
    worths.push_back(then.net_present_value());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      drawn[i].push_back(outputs[i].of(then).value_or(std::numeric_limits<double>::infinity()));
  }
  into.loss_chance = share_below(worths, 0);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& spec = outputs[i];
    assessed_number made{spec.name,
                         spec.title,
                         spec.unit,
                         spec.of(now),
                         std::nullopt,
                         worst_of(numbers, spec.groups),
                         (spec.groups & (in_large_rate | in_small_rate)) == 0};
    if (has_range(numbers, spec.groups)) made.range = spread_of(std::move(drawn[i]));
    // Ranges that change nothing, such as that of an engine more or less.
    if (made.range && made.range->p10 == made.range->p90 && made.value == made.range->p50)
      made.range.reset();
    into.estimates.push_back(made);
  }
}

}  // namespace

std::string_view to_string(verdict_kind kind) {
  switch (kind) {
    case verdict_kind::recommended:
      return "recommended";
    case verdict_kind::careful:
      return "careful";
    case verdict_kind::not_recommended:
      return "not recommended";
    case verdict_kind::refused:
      break;
  }
  return "refused";
}

const assessed_number& assessment::get(std::string_view name) const {
  return *std::find_if(estimates.begin(), estimates.end(),
                       [name](const assessed_number& e) { return e.name == name; });
}

assessment assess(const assess_inputs& inputs, std::span<const claim> claims,
                  const assess_options& options) {
  assessment made;
  scenario now{inputs, as_it_is};
  made.findings = find_contradictions(inputs, now, claims);
  auto contradicts = std::count_if(made.findings.begin(), made.findings.end(),
                                   [](const finding& f) { return f.contradicts; });
  if (contradicts > 0) {
    made.outcome = {verdict_kind::refused,
                    "contradictions",
                    contradicts == 1 ? "the inputs contradict each other"
                                     : "the inputs contradict each other " +
                                           std::to_string(contradicts) + " times",
                    {}};
    return made;
  }
  estimate_all(made, inputs, now, options);
  made.deciding = find_deciding(inputs);
  made.outcome = judge(inputs, now, made);
  return made;
}

}  // namespace tandem
