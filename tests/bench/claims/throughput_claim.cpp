// How much a fleet of the same price an hour serves in time.

#include "nodes/simulate/variants.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"
#include "tests/bench/claims/claim_fleets.hpp"

namespace tandem::bench {
namespace {

constexpr double slo_share = 0.95;
constexpr double first_token_slo_s = 1;
/// Many times as long as a call takes: what is not served in time piles up.
constexpr double load_s = 180;
/// Routing has learned what there is to learn, and engines are full.
constexpr double warm_up_s = 60;

struct reached {
  double per_s = 0;
  double right = 0;
};

/// The most calls a second of which 95% have their first token in time.
reached most(const std::vector<pool_of_engines>& pools, std::string_view variant, double around,
             const claim_options& how, double& usd_per_hour) {
  auto fleet = make_fleet(pools);
  usd_per_hour = fleet.usd_per_hour;
  auto options = fleet.options;
  options.first_token_slo_s = first_token_slo_s;
  options.warm_up_s = warm_up_s;
  auto made = simulation::make_variant(variant, options);
  if (!made) give_up(message_of(made.error()));
  // A quarter of the calls, of two kinds of eight, are too hard for the small model.
  simulation::load_spec load{.rate = around, .in = 218, .out = 200, .verified = 1, .kinds = 8};
  auto work = [&](double speed) -> caf::expected<std::unique_ptr<simulation::work_source>> {
    auto now = load;
    now.rate *= speed;
    now.requests = static_cast<std::uint64_t>(now.rate * load_s);
    return simulation::generate_load(now, 1);
  };
  auto found = simulation::find_throughput(made->options, work, slo_share, how.quick ? 6 : 8);
  if (!found) give_up(message_of(found.error()));
  auto at_it = work(found->speed);
  auto result = simulation::run(made->options, **at_it);
  if (!result) give_up(message_of(result.error()));
  auto answered = static_cast<double>(result->calls);
  return {found->per_s, static_cast<double>(result->right) / answered};
}

void compare(const char* prices, const char* figure, const std::vector<pool_of_engines>& alone,
             const std::vector<pool_of_engines>& mixed, double around, bool shown,
             const claim_options& how, claim_results& out) {
  double alone_usd = 0, mixed_usd = 0;
  auto large = most(alone, "all_large", around, how, alone_usd);
  auto both = most(mixed, "learned", around, how, mixed_usd);
  // For the same money.
  auto factor = (both.per_s / mixed_usd) / (large.per_s / alone_usd);
  auto text = [](double value) { return std::to_string(value).substr(0, 5); };
  out.claims.push_back(
      {.said = "throughput 100 to 200% higher",
       .condition =
           std::string{
               "calls of 218 tokens in and 200 out of eight kinds, two of them too hard for the "
               "small model, routing learns which: answers are verified; 95% of first tokens "
               "within 1 s; "
               "per dollar an hour; "} +
           prices,
       .figure = figure,
       .measured = factor,
       .low = factor,
       .high = factor,
       .goal = shown ? 0 : goal("claims", "throughput_min"),
       .percent = false,
       .shown = shown,
       .remark = "all-large " + text(large.per_s) + "/s for $" + text(alone_usd) +
                 " an hour, right " + text(large.right) + "; both " + text(both.per_s) +
                 "/s for $" + text(mixed_usd) + ", right " + text(both.right)});
}

}  // namespace

void measure_throughput(const claim_options& options, claim_results& out) {
  compare("public figures (235B on 4 H100, 14B on one, $3 an H100-hour)", "throughput_public",
          {public_large(3)}, {public_large(2), public_small(4)}, 60, false, options, out);
  compare("the brief's engines (235B on 32 GPUs, 4B on 2)", "throughput_brief", {brief_large(3)},
          {brief_large(3), brief_small(2)}, 60, true, options, out);
}

}  // namespace tandem::bench
