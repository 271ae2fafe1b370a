#include "actors/router/control/trial_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "actors/router/control/is_within.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// The bounds are tightest after about so many decisions.
constexpr double tightest_after = 500;
/// Before surprises have been seen they are taken to be those of a coin.
constexpr double coin_variance = 0.25;
constexpr double coin_decisions = 10;
constexpr double sum_tolerance = 1e-3;
constexpr double price_max = 1e3;
constexpr double cost_max = 1e3;

caf::error refuse(const char* what) {
  return make_error(errc::invalid_argument, std::string{"no evidence for a trial: "} + what);
}

caf::error check(std::span<const trial_arm> arms, std::size_t chosen, double quality,
                 double cost_price) {
  if (chosen >= arms.size()) return refuse("the chosen arm is none of the decision's");
  if (!is_within(quality, 0, 1)) return refuse("the quality is not in [0, 1]");
  if (!is_within(cost_price, 0, price_max)) return refuse("the price of cost is out of range");
  double incumbent = 0;
  double candidate = 0;
  for (const auto& a : arms) {
    if (!is_within(a.quality, 0, 1)) return refuse("a predicted quality is not in [0, 1]");
    if (!is_within(a.cost, 0, cost_max)) return refuse("a cost is out of range");
    if (!is_within(a.incumbent, 0, 1) || !is_within(a.candidate, 0, 1))
      return refuse("a probability is not in [0, 1]");
    incumbent += a.incumbent;
    candidate += a.candidate;
  }
  if (std::abs(incumbent - 1) > sum_tolerance || std::abs(candidate - 1) > sum_tolerance)
    return refuse("the probabilities of a policy do not sum to 1");
  return {};
}

}  // namespace

caf::expected<trial_evidence> trial_evidence::restore(const trial_config& config,
                                                      const trial_sums& sums) {
  constexpr double far = 1e18;
  constexpr double difference_max = 1 + price_max * cost_max;
  auto ok = is_within(sums.mean, -difference_max, difference_max) &&
            is_within(sums.squares, 0, far) && is_within(sums.factors, 0, far) &&
            is_within(sums.surprises, 0, static_cast<double>(sums.decisions)) &&
            is_within(sums.unverified, 0, 2 * static_cast<double>(sums.decisions)) &&
            sums.clipped <= sums.decisions &&
            (sums.decisions > 0 || (sums.mean == 0 && sums.squares == 0 && sums.factors == 0));
  if (!ok)
    return make_error(errc::corrupted,
                      "the kept evidence of a trial has numbers that no decisions give; try the "
                      "candidate again");
  trial_evidence restored{config};
  restored.sums_ = sums;
  return restored;
}

caf::error trial_evidence::add(std::span<const trial_arm> arms, std::size_t chosen, double quality,
                               double cost_price) {
  if (auto err = check(arms, chosen, quality, cost_price)) return err;
  auto total = [&](const trial_arm& a) {
    return config_.share * a.candidate + (1 - config_.share) * a.incumbent;
  };
  const auto& took = arms[chosen];
  if (total(took) <= 0) return refuse("neither policy could have chosen this arm");
  auto weight = (took.candidate - took.incumbent) / total(took);
  auto used = std::clamp(weight, -config_.weight_max, config_.weight_max);
  auto surprise = quality - took.quality;
  auto difference = used * surprise;
  double factor = 0;
  double unverified = 0;
  for (const auto& a : arms) {
    auto shift = a.candidate - a.incumbent;
    difference += shift * (a.quality - cost_price * a.cost);
    // A prediction is off by 1 at most: the expected part that cutting hides is no more than this.
    unverified += std::max(0.0, std::abs(shift) - config_.weight_max * total(a));
    if (total(a) > 0) factor += std::min(shift * shift / total(a), config_.weight_max);
  }
  ++sums_.decisions;
  if (used != weight) ++sums_.clipped;
  auto off = difference - sums_.mean;
  sums_.mean += off / static_cast<double>(sums_.decisions);
  sums_.squares += off * (difference - sums_.mean);
  sums_.factors += factor;
  sums_.surprises += surprise * surprise;
  sums_.unverified += unverified;
  return {};
}

trial_bounds trial_evidence::bounds() const {
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  if (sums_.decisions == 0) return {0, -infinity, infinity};
  auto n = static_cast<double>(sums_.decisions);
  auto surprise = (sums_.surprises + coin_decisions * coin_variance) / (n + coin_decisions);
  auto variance = std::max(sums_.squares / n, sums_.factors / n * surprise);
  auto log_alpha = -std::log(config_.alpha);
  auto mixture = tightest_after / (2 * log_alpha + std::log1p(2 * log_alpha));
  auto width =
      std::sqrt(variance * (n + mixture) * (std::log((n + mixture) / mixture) + 2 * log_alpha)) / n;
  auto hidden = sums_.unverified / n;
  return {sums_.mean, sums_.mean - width - hidden, sums_.mean + width + hidden};
}

trial_verdict trial_evidence::verdict() const {
  auto found = bounds();
  if (sums_.decisions >= config_.rollback_min && found.high < 0) return trial_verdict::rollback;
  if (sums_.decisions >= config_.promote_min && found.low > 0) return trial_verdict::promote;
  return trial_verdict::wait;
}

}  // namespace tandem
