#include "actors/router/learning/standing_record.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double half_life = 1000;
/// An importance weight beyond this says more about luck than about the arm.
constexpr double clip_max = 20;
/// Fewer decisions say nothing.
constexpr double decisions_min = 40;
constexpr double bound = 1.96;
/// What is left of the differences when an arm arrives.
constexpr double keep_by_arrival = 0.1;

/// What would have been chosen by prediction alone.
std::size_t learned_choice(const made_decision& decision) {
  std::size_t best = 0;
  auto value = [&](std::size_t i) {
    const auto& s = decision.arms[i].score;
    return s.quality - decision.cost_price * s.cost - decision.latency_price * s.latency;
  };
  for (std::size_t i = 1; i < decision.arms.size(); ++i)
    if (value(i) > value(best)) best = i;
  return best;
}

}  // namespace

void standing_record::sums::scale(double share) {
  weight *= share;
  weight_squares *= share * share;
  for (auto& value : first) value *= share;
  for (auto& row : second)
    for (auto& value : row) value *= share;
}

void standing_record::sums::add(const differences& d, double times) {
  for (std::size_t i = 0; i < d.size(); ++i) {
    first[i] += times * d[i];
    for (std::size_t j = 0; j < d.size(); ++j) second[i][j] += times * d[i] * d[j];
  }
}

standing_record::differences standing_record::of(const made_decision& decision, std::size_t learned,
                                                 std::size_t other, double quality) {
  auto estimate = [&](std::size_t i) {
    const auto& s = decision.arms[i].score;
    if (i != decision.chosen) return s.quality;
    return s.quality +
           (quality - s.quality) * std::min(clip_max, 1 / std::max(s.propensity, 1 / clip_max));
  };
  const auto& l = decision.arms[learned].score;
  const auto& o = decision.arms[other].score;
  return {estimate(learned) - estimate(other), l.cost - o.cost, l.latency - o.latency};
}

void standing_record::add(const made_decision& decision, double quality) {
  static const double keep = std::exp2(-1 / half_life);
  auto learned = learned_choice(decision);
  for (std::size_t i = 0; i < decision.arms.size(); ++i) {
    auto at = arms_.find(decision.arms[i].arm);
    if (at == arms_.end()) {
      if (arms_.size() >= arms_max) continue;
      // With one more arm the learned choice is another one, and has not been judged.
      if (!arms_.empty()) forget(keep_by_arrival);
      at = arms_.try_emplace(decision.arms[i].arm).first;
    }
    at->second.scale(keep);
    at->second.add(of(decision, learned, i, quality), 1);
    at->second.weight += 1;
    at->second.weight_squares += 1;
  }
}

void standing_record::correct(const made_decision& decision, double before, double quality) {
  auto learned = learned_choice(decision);
  for (std::size_t i = 0; i < decision.arms.size(); ++i) {
    auto at = arms_.find(decision.arms[i].arm);
    if (at == arms_.end()) continue;
    at->second.add(of(decision, learned, i, before), -1);
    at->second.add(of(decision, learned, i, quality), 1);
  }
}

void standing_record::forget(double keep) {
  // Every difference has the learned choice in it, which may have been the arm that changed.
  for (auto& [arm, sum] : arms_) sum.scale(keep);
  demoted_.clear();
}

standing standing_record::at(double cost_price, double latency_price) const {
  const differences price{1, -cost_price, -latency_price};
  standing result;
  double most = 0;
  for (const auto& [arm, sum] : arms_) most = std::max(most, sum.weight);
  if (most < decisions_min) return result;
  const sums* best = nullptr;
  for (const auto& [arm, sum] : arms_) {
    // An arm that came late, or left, is not compared over other decisions than the rest.
    if (sum.weight < most / 2) continue;
    double gain = 0;
    for (std::size_t i = 0; i < price.size(); ++i) gain += price[i] * sum.first[i] / sum.weight;
    if (best != nullptr && gain >= result.gain) continue;
    best = &sum;
    result.gain = gain;
    result.best_fixed = arm;
  }
  double square = 0;
  for (std::size_t i = 0; i < price.size(); ++i)
    for (std::size_t j = 0; j < price.size(); ++j)
      square += price[i] * price[j] * best->second[i][j] / best->weight;
  auto variance = std::max(square - result.gain * result.gain, 0.0) + 0.25 / best->weight;
  auto error = std::sqrt(variance * best->weight_squares) / best->weight;
  result.low = result.gain - bound * error;
  result.high = result.gain + bound * error;
  result.weight = best->weight;

  auto key = std::pair{std::llround(std::clamp(cost_price, 0.0, 1e3) * 20),
                       std::llround(std::clamp(latency_price, 0.0, 1e3) * 20)};
  auto known = demoted_.find(key);
  auto was = known != demoted_.end() && known->second;
  result.demoted = result.high < 0 || (was && result.gain <= 0);
  if (known != demoted_.end())
    known->second = result.demoted;
  else if (result.demoted && demoted_.size() < prices_max)
    demoted_.emplace(key, true);
  return result;
}

}  // namespace tandem
